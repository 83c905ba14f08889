"""What `deploy` knows before it asks AWS, and how it says that the API is tried."""

import shlex

import pytest

from services.primitives import exact_json
from services.task_types.loading import load_task_types
from stack.aws.targets import Services
from stack.commands.deploy import curl, plan_deployment
from stack.errors import StackError

TASK_TYPES = load_task_types(["services.tasks"])


@pytest.mark.parametrize(
    ("stack", "settings", "line"),
    [
        ("my_tasks", {}, "^STACK=my_tasks is no name of a stack"),
        ("s" * 46, {"QUEUE_NAME_PREFIX": "s-"}, "^STACK=s+ has 46 characters, and 45 are the most"),
        ("s" * 24, {}, "^QUEUE_NAME_PREFIX=s+- goes before the queues' names"),
        ("tasks", {"TASK_PACKAGES": "no.such"}, "^The task types cannot be loaded: .*there is no package 'no.such'"),
        ("tasks", {"LOG_LEVEL": "LOUD"}, "^LOG_LEVEL: "),
        ("tasks", {"TASK_TIMEOUT_SECONDS": "900"}, "^The function worker-calculation could not start"),
    ],
)
def test_what_cannot_work_is_refused_before_aws_is_asked(stack: str, settings: dict[str, str], line: str) -> None:
    with pytest.raises(StackError, match=line):
        plan_deployment(stack, "lambda", "x86_64", settings)


def test_what_is_planned_has_the_task_types_and_settings_of_the_user() -> None:
    plan = plan_deployment("tasks", "lambda", "x86_64", {"TASK_TIMEOUT_SECONDS": "100", "API_KEYS": "k" * 16})

    assert plan.services.task_types == TASK_TYPES
    assert plan.environment["TASK_TIMEOUT_SECONDS"] == "100"


def test_the_api_is_tried_by_a_command_of_the_shell_that_names_the_key_and_has_none() -> None:
    services = Services(TASK_TYPES, ["services.tasks"], {"API_KEYS": "key-of-a-client-1234"})

    command = curl("https://abc.lambda-url.eu-central-1.on.aws/", services)

    program, url, *options, body = shlex.split(command)
    assert (program, url) == ("curl", "https://abc.lambda-url.eu-central-1.on.aws/v1/calculation/basic")
    assert options == ["-H", "X-API-Key: $API_KEY", "-H", "Content-Type: application/json", "-d"]
    request = exact_json.loads(body)
    TASK_TYPES["calculation"].request_model.model_validate(request)
    assert request["callback_url"] == "https://example.com/callback"


def test_the_callback_of_the_example_is_that_which_a_user_has_set() -> None:
    services = Services(TASK_TYPES, ["services.tasks"], {"EXAMPLE_RECEIVER_URL": "https://mine.example/hook"})

    assert '"callback_url":"https://mine.example/hook"' in curl("https://abc.on.aws/", services)
