"""What `deploy` knows before it asks AWS."""

import pytest

from services.task_types.loading import load_task_types
from stack.commands.deploy import DeploymentRequest, plan_deployment
from stack.config import DeploymentTarget
from stack.errors import StackError

TASK_TYPES = load_task_types(["services.tasks"])


@pytest.mark.parametrize(
    ("stack", "settings", "line"),
    [
        ("my_tasks", {}, "^STACK=my_tasks is no name of a stack"),
        ("s" * 46, {"QUEUE_NAME_PREFIX": "s-"}, "^STACK=s+ has 46 characters, and 45 are the most"),
        ("s" * 24, {}, "^QUEUE_NAME_PREFIX=s+- goes before the queues' names"),
        ("tasks", {"TASK_PACKAGES": "no.such"}, "^TASK_PACKAGES: there is no package 'no.such'"),
        ("tasks", {"LOG_LEVEL": "LOUD"}, "^LOG_LEVEL: "),
        ("tasks", {"TASK_TIMEOUT_SECONDS": "900"}, "^Lambda ends a function after 900 seconds"),
    ],
)
def test_what_cannot_work_is_refused_before_aws_is_asked(stack: str, settings: dict[str, str], line: str) -> None:
    with pytest.raises(StackError, match=line):
        plan_deployment(DeploymentRequest(stack, "lambda"), settings)


@pytest.mark.parametrize(
    ("stack", "settings", "line"),
    [
        ("Tasks", {}, "^STACK=Tasks is also the name of the repository of its image, which has 2 .* small letters"),
        ("s" * 24, {}, "^QUEUE_NAME_PREFIX=s+- goes before the queues' names"),
        ("tasks", {"TASK_TIMEOUT_SECONDS": "900", "DRAIN_TIMEOUT_SECONDS": "900"}, "^DRAIN_TIMEOUT_SECONDS"),
    ],
)
def test_what_containers_cannot_have_is_refused_before_aws_is_asked(
    stack: str, settings: dict[str, str], line: str
) -> None:
    with pytest.raises(StackError, match=line):
        plan_deployment(DeploymentRequest(stack, "containers"), settings)


def test_the_name_of_a_receiver_goes_before_no_queues() -> None:
    assert plan_deployment(DeploymentRequest("r" * 40, "receiver"), {}).stack == "r" * 40


@pytest.mark.parametrize(
    ("target", "stored"),
    [
        ("lambda", {"API_KEYS": "k", "CALLBACK_SIGNING_SECRET": "s", "SLACK_BOT_TOKEN": ""}),
        ("containers", {"API_KEYS": "k", "CALLBACK_SIGNING_SECRET": "s", "SLACK_BOT_TOKEN": ""}),
        # Who only hears callbacks is given no keys of the API.
        ("receiver", {"CALLBACK_SIGNING_SECRET": "s"}),
    ],
)
def test_those_secrets_are_stored_that_the_target_reads(target: DeploymentTarget, stored: dict[str, str]) -> None:
    settings = {"API_KEYS": "k", "CALLBACK_SIGNING_SECRET": "s"}

    assert plan_deployment(DeploymentRequest("tasks", target), settings).secrets == stored


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("MemorySize", "^PARAMETERS: MemorySize is no parameter with its value, as AlarmTopicArn=arn:… is"),
        ("NoSuch=1", "^PARAMETERS: NoSuch is none that can be given"),
    ],
)
def test_a_parameter_that_cannot_be_given_is_refused_before_aws_is_asked(given: str, line: str) -> None:
    with pytest.raises(StackError, match=line):
        plan_deployment(DeploymentRequest("tasks", "lambda", parameters=["LogRetentionDays=7", given]), {})


def test_a_parameter_has_all_that_is_behind_its_first_equals_sign() -> None:
    plan = plan_deployment(DeploymentRequest("tasks", "lambda", parameters=["AlarmTopicArn=arn:a=b"]), {})

    assert plan.parameters == {"AlarmTopicArn": "arn:a=b"}


def test_what_is_planned_has_the_task_types_and_settings_of_the_user() -> None:
    settings = {"TASK_TIMEOUT_SECONDS": "100", "API_KEYS": "k" * 16}
    plan = plan_deployment(DeploymentRequest("tasks", "lambda"), settings)

    assert plan.services.task_types == TASK_TYPES
    assert plan.environment["TASK_TIMEOUT_SECONDS"] == "100"
