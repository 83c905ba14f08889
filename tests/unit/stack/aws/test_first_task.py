"""How it is said that a deployed API is tried."""

import shlex

from services.primitives import exact_json
from services.task_types.loading import load_task_types
from stack.aws.first_task import curl
from stack.aws.target import Services

TASK_TYPES = load_task_types(["services.tasks"])
AWS = "https://cloudformation.eu-central-1.amazonaws.com"


def test_the_api_is_tried_by_a_command_of_the_shell_that_names_the_key_and_has_none() -> None:
    services = Services(TASK_TYPES, ["services.tasks"], {"API_KEYS": "key-of-a-client-1234"})

    command = curl("https://abc.lambda-url.eu-central-1.on.aws/", services, AWS)

    program, url, *options, body = shlex.split(command)
    assert (program, url) == ("curl", "https://abc.lambda-url.eu-central-1.on.aws/v1/calculation/basic")
    assert options == ["-H", "X-API-Key: $API_KEY", "-H", "Content-Type: application/json", "-d"]
    request = exact_json.loads(body)
    TASK_TYPES["calculation"].request_model.model_validate(request)
    assert request["callback_url"] == "https://example.com/callback"


def test_the_callback_of_the_example_is_that_which_a_user_has_set() -> None:
    services = Services(TASK_TYPES, ["services.tasks"], {"EXAMPLE_RECEIVER_URL": "https://mine.example/hook"})

    assert '"callback_url":"https://mine.example/hook"' in curl("https://abc.on.aws/", services, AWS)


def test_where_the_endpoint_is_no_aws_the_command_finds_the_api_there() -> None:
    services = Services(TASK_TYPES, ["services.tasks"], {})

    command = curl("http://abc.lambda-url.eu-central-1.127.0.0.1:4566/", services, "http://localhost:4566")

    assert shlex.split(command)[:4] == [
        "curl",
        "--connect-to",
        "::localhost:4566",
        "http://abc.lambda-url.eu-central-1.127.0.0.1:4566/v1/calculation/basic",
    ]
