"""What a deployment as functions is refused for before AWS is asked, and what follows from its names."""

import pytest

from services.queues import define_queues
from services.task_types.loading import load_task_types
from stack.aws.functions_target import Functions, function_names, require_names
from stack.aws.functions_template import functions_template
from stack.aws.target import (
    Services,
    queue_name_prefix,
    queue_names,
    require_parameters,
    require_secrets_of_services,
)
from stack.errors import StackError

TASK_TYPES = load_task_types(["services.tasks"])
TEMPLATE = functions_template(TASK_TYPES, {})
KEY = "a-key-of-a-client"


def services(**settings: str) -> Services:
    return Services(TASK_TYPES, ["services.tasks"], settings)


def test_the_names_of_functions_and_queues_are_those_that_cloudformation_makes_of_the_template() -> None:
    assert set(function_names(TEMPLATE, "tasks")) == {
        "tasks-api",
        "tasks-worker-calculation",
        "tasks-worker-data",
        "tasks-worker-callbacks",
        "tasks-dlq-watcher",
        "tasks-alerts",
    }
    assert queue_names(TEMPLATE, "t-") == {f"t-{name}" for name in define_queues(TASK_TYPES)}


def test_a_stack_has_a_name_that_leaves_room_for_those_of_its_functions() -> None:
    longest = "s" * (64 - len("-worker-calculation"))
    require_names(longest, function_names(TEMPLATE, longest))

    with pytest.raises(StackError, match=r"has 46 characters, and 45 are the most: the function s+-worker-calculation"):
        require_names(f"{longest}s", function_names(TEMPLATE, f"{longest}s"))


@pytest.mark.parametrize(
    ("environment", "deployed", "prefix"),
    [
        ({}, {}, "tasks-"),
        ({"QUEUE_NAME_PREFIX": ""}, {}, "tasks-"),
        ({"QUEUE_NAME_PREFIX": "mine_"}, {"QueueNamePrefix": "before-"}, "mine_"),
        # Else the queues would be replaced by others.
        ({}, {"QueueNamePrefix": "before-"}, "before-"),
    ],
)
def test_the_queues_begin_as_it_is_set_or_as_they_did_or_as_the_stack_is_called(
    environment: dict[str, str], deployed: dict[str, str], prefix: str
) -> None:
    assert queue_name_prefix("tasks", environment, deployed) == prefix


@pytest.mark.parametrize("environment", [{}, {"QUEUE_NAME_PREFIX": "of my own"}])
def test_a_prefix_that_leaves_no_room_for_the_names_of_queues_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(StackError, match=r"at most 24 letters, digits, - and _: set another one, or take a shorter"):
        queue_name_prefix("s" * 24, environment, {})


def test_a_public_url_has_keys() -> None:
    with pytest.raises(StackError, match=r"^API_KEYS must be set, as the URL is public, and none are stored"):
        require_secrets_of_services(
            {"CALLBACK_SIGNING_SECRET": "whsec_bG9jYWwgZGV2ZWxvcG1lbnQgb25seSwgbm90IGEgc2VjcmV0"}, services()
        )
    require_secrets_of_services({"API_KEYS": KEY}, services())


@pytest.mark.parametrize(
    ("secrets", "line"),
    [
        ({"API_KEYS": "short"}, r"^API_KEYS.*at least 16 visible ASCII characters"),
        ({"API_KEYS": KEY, "CALLBACK_SIGNING_SECRET": "whsec_x"}, "^CALLBACK_SIGNING_SECRET: a secret is whsec_"),
        ({"API_KEYS": KEY, "SLACK_BOT_TOKEN": "xoxb"}, "^SLACK_CHANNEL must name a channel where SLACK_BOT_TOKEN"),
    ],
)
def test_secrets_with_which_the_services_could_not_start_are_refused_and_not_shown(
    secrets: dict[str, str], line: str
) -> None:
    with pytest.raises(StackError, match=line) as refused:
        require_secrets_of_services(secrets, services(SLACK_BOT_TOKEN="of the environment"))  # noqa: S106  # none

    assert not [each for each in secrets.values() if each in str(refused.value)]


def test_a_bot_has_its_channel() -> None:
    require_secrets_of_services({"API_KEYS": KEY, "SLACK_BOT_TOKEN": "xoxb"}, services(SLACK_CHANNEL="#tasks"))


def test_a_parameter_is_given_that_the_template_has_and_no_setting_stands_for() -> None:
    target = Functions("x86_64")
    require_parameters({"AlarmTopicArn": "arn:aws:sns:…", "MemorySize": "1024"}, target, services())

    for name in ("QueueNamePrefix", "ApiKeys", "SettingsSecretArn", "Architecture", "VpcId"):
        with pytest.raises(
            StackError, match=rf"^PARAMETERS: {name} is none that can be given\. There are AlarmTopicArn, "
        ):
            require_parameters({"MemorySize": "1024", name: "1"}, target, services())


def test_settings_with_which_a_function_could_not_start_are_refused() -> None:
    target = Functions("x86_64")
    target.check(services(), "tasks")

    with pytest.raises(StackError, match="The function worker-data could not start: DATA_CONCURRENCY"):
        target.check(services(DATA_CONCURRENCY="none"), "tasks")


def test_a_python_that_lambda_does_not_have_is_refused() -> None:
    with pytest.raises(StackError, match=r"Lambda's are python3.11, .*: this is 3.99. Name another one, as PYTHON="):
        Functions("x86_64", "3.99").check(services(), "tasks")
