"""The templates that are generated, as SAM translates them, and what cfn-lint and our own rules say of them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.task_types.loading import load_task_types
from stack.aws.functions_template import functions_template
from stack.aws.generated_files import CONTAINERS_TEMPLATE, FUNCTIONS_TEMPLATE, QUEUES_TEMPLATE, RECEIVER_TEMPLATE
from stack.aws.lint import Checked, check
from stack.interpreter import environment_beside

Template = dict[str, Any]


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of what checks and deploys the templates."""
    interpreter = environment_beside("aws") / "bin" / "python"
    if not interpreter.exists():
        pytest.fail(f"{interpreter} is missing: run `make test-lambda`", pytrace=False)
    return interpreter


@pytest.fixture
def template() -> Template:
    return functions_template(load_task_types(["services.tasks"]), {})


def properties(template: Template, resource: str) -> Template:
    found: Template = template["Resources"][resource]["Properties"]
    return found


def event(template: Template, function: str, queue: str) -> Template:
    found: Template = properties(template, function)["Events"][queue]["Properties"]
    return found


@pytest.fixture(scope="module")
def committed(python: Path) -> Checked:
    """The file of the functions that `make generate` has written, checked."""
    return check(yaml.safe_load(FUNCTIONS_TEMPLATE.read_text()), python)


def test_the_file_of_the_functions_that_is_committed_has_no_fault(committed: Checked) -> None:
    assert committed.faults == []


@pytest.mark.parametrize("file", [CONTAINERS_TEMPLATE, QUEUES_TEMPLATE], ids=lambda file: file.stem)
def test_neither_have_those_of_the_containers_and_the_queues(file: Path, python: Path) -> None:
    assert check(yaml.safe_load(file.read_text()), python).faults == []


def test_the_receivers_file_has_no_fault_and_everybody_may_call_it(python: Path) -> None:
    receiver = check(yaml.safe_load(RECEIVER_TEMPLATE.read_text()), python)

    assert receiver.faults == []
    assert_everybody_may_call(receiver, "ReceiverFunction")


def test_every_fault_is_found_with_its_place(template: Template, python: Path) -> None:
    properties(template, "CalculationQueue")["VisibilityTimeout"] = 60
    properties(template, "CallbacksQueue")["RedrivePolicy"]["maxReceiveCount"] = 0
    properties(template, "UndeliveredQueue")["MesageRetentionPeriod"] = 60
    event(template, "WorkerCalculationFunction", "CalculationQueue")["ScalingConfig"]["MaximumConcurrency"] = 1
    del event(template, "WorkerCallbacksFunction", "CallbacksQueue")["FunctionResponseTypes"]
    event(template, "WorkerCallbacksFunction", "CallbacksQueue")["BatchSize"] = 100
    event(template, "WorkerDataFunction", "DataQueue")["FilterCriteria"] = {"Filters": [{"Pattern": "{}"}]}
    second = template["Resources"]["WorkerDataFunction"]["Properties"]["Events"]["DataQueue"]
    properties(template, "AlertsFunction")["Events"]["DataQueue"] = second

    faults = "\n".join(check(template, python).faults)

    for said in (
        "CalculationQueue: its VisibilityTimeout of 60 is less than 360, the Timeout of WorkerCalculationFunction",
        "CallbacksQueue: its maxReceiveCount is 0",
        "Resources/UndeliveredQueue/Properties/MesageRetentionPeriod: ",
        "Resources/WorkerCalculationFunctionCalculationQueue/Properties/ScalingConfig/MaximumConcurrency: ",
        "WorkerCallbacksFunctionCallbacksQueue: without ReportBatchItemFailures",
        "WorkerCallbacksFunctionCallbacksQueue: a BatchSize above 10 needs MaximumBatchingWindowInSeconds",
        "WorkerDataFunctionDataQueue: FilterCriteria deletes without a trace",
        "DataQueue: it triggers AlertsFunction and WorkerDataFunction",
    ):
        assert said in faults


def test_what_sam_itself_refuses_is_a_fault(template: Template, python: Path) -> None:
    properties(template, "ApiFunction")["Timout"] = 5

    (fault,) = check(template, python).faults

    assert "[ApiFunction]" in fault
    assert "Timout" in fault


def test_everybody_may_call_the_function_behind_the_url(committed: Checked) -> None:
    assert_everybody_may_call(committed, "ApiFunction")


def assert_everybody_may_call(checked: Checked, function_id: str) -> None:
    permissions = [
        each["Properties"] for each in checked.resources.values() if each["Type"] == "AWS::Lambda::Permission"
    ]

    function = {"FunctionName": {"Ref": function_id}, "Principal": "*"}
    # Both are needed since October 2025: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    assert sorted(permissions, key=lambda each: str(each["Action"])) == [
        {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True, **function},
        {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE", **function},
    ]
