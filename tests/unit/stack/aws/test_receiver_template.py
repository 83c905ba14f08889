"""What the template of the receiver says: a function that everybody can post to, and whose inbox a token guards."""

from typing import Any

import yaml

from receiver.settings import SHORTEST_TOKEN, FunctionSettings
from services.task_types.loading import load_task_types
from services.worker.settings import WorkerSettings
from stack.aws.functions_template import functions_template
from stack.aws.generated_files import RECEIVER_TEMPLATE
from stack.aws.receiver_template import FUNCTION, TIMEOUT_SECONDS, receiver_template
from stack.commands.generate import stale_files

TOKEN = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
STACK_ID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/receiver/d0a825a0-e4cd-11f0-8b6f-0a1b2c3d4e5f"


def function() -> dict[str, Any]:
    return dict(receiver_template()["Resources"][FUNCTION]["Properties"])


def test_the_file_that_is_committed_is_the_template() -> None:
    assert RECEIVER_TEMPLATE not in stale_files()
    assert yaml.safe_load(RECEIVER_TEMPLATE.read_text()) == receiver_template()


def test_it_is_a_stack_of_its_own_that_makes_nothing_that_the_services_have() -> None:
    services = functions_template(load_task_types(["services.tasks"]), {})["Resources"]

    assert receiver_template()["Resources"].keys() & services.keys() == set()
    assert {each["Type"] for each in receiver_template()["Resources"].values()} == {
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
        "AWS::Serverless::Function",
    }


def test_it_may_write_its_log_and_nothing_else() -> None:
    [policy] = receiver_template()["Resources"]["ReceiverRole"]["Properties"]["Policies"]

    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == [{"Fn::GetAtt": ["ReceiverLogGroup", "Arn"]}]


def test_the_receiver_can_start_with_what_it_is_given() -> None:
    variables = function()["Environment"]["Variables"]
    required = {name.upper() for name, field in FunctionSettings.model_fields.items() if field.is_required()}

    assert required <= variables.keys() <= {name.upper() for name in FunctionSettings.model_fields}
    # A function can write nowhere else.
    assert variables["RECEIVER_DATABASE"]["Fn::Sub"].startswith("/tmp/")  # noqa: S108


def test_its_token_is_the_id_of_the_stack_and_so_is_that_of_the_address_of_its_inbox() -> None:
    assert function()["Environment"]["Variables"]["RECEIVER_TOKEN"] == TOKEN
    template, values = receiver_template()["Outputs"]["InboxUrl"]["Value"]["Fn::Sub"]
    assert (template, values["Token"]) == ("${Url}?token=${Token}", TOKEN)
    assert len(STACK_ID.split("/")[2]) >= SHORTEST_TOKEN


def test_each_callback_is_in_the_log() -> None:
    variables = function()["Environment"]["Variables"]

    assert (variables["LOG_LEVEL"], variables["LOG_FORMAT"]) == ("INFO", "json")


def test_a_late_answer_can_outlast_a_worker_that_waits_for_it() -> None:
    assert WorkerSettings.model_fields["callback_timeout_seconds"].default < TIMEOUT_SECONDS


def test_no_concurrency_is_reserved_but_where_one_inbox_is_wanted() -> None:
    template = receiver_template()

    assert template["Parameters"]["OneInbox"]["Default"] == "false"
    assert template["Conditions"]["IsOneInbox"] == {"Fn::Equals": [{"Ref": "OneInbox"}, "true"]}
    assert function()["ReservedConcurrentExecutions"] == {"Fn::If": ["IsOneInbox", 1, {"Ref": "AWS::NoValue"}]}


def test_it_is_deployed_without_any_parameter() -> None:
    assert [name for name, each in receiver_template()["Parameters"].items() if "Default" not in each] == []
