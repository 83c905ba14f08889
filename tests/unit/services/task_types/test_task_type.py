"""What a task type may declare."""

import math
import re
from typing import Any

import pytest
from pydantic import ValidationError

from services.outbound.targets import TargetPolicy, TargetRules
from services.task_types.errors import TaskTypeError
from services.task_types.task_type import TaskContext, TaskItem, TaskRequest, TaskType


async def run(item: TaskItem, _context: TaskContext) -> str:
    return item.name


def declare(**changes: Any) -> TaskType[TaskItem]:
    fields: dict[str, Any] = {"name": "echo", "route": "/v1/echo", "summary": "Echo", "item": TaskItem, "run": run}
    return TaskType(**{**fields, "example": [{"name": "a"}], **changes})


@pytest.mark.parametrize("name", ["a", "echo", "echo-2", "2", "a" * 48, "dlq"])
def test_a_name_that_a_queue_can_have_is_taken(name: str) -> None:
    assert declare(name=name).name == name


@pytest.mark.parametrize(
    "name", ["", "Echo", "e cho", "echo.fifo", "echo_2", "-echo", "echo-", "a" * 49, "\u00e9", "x-dlq", "a\n"]
)
def test_a_name_that_no_queue_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name has 1 to 48 lower-case letters"):
        declare(name=name)


@pytest.mark.parametrize("name", ["a", "a" * 256, " ", "\u00e9\u2603"])
def test_an_item_has_a_name_of_1_to_256_characters(name: str) -> None:
    assert TaskItem(name=name).name == name


@pytest.mark.parametrize("name", ["", "a" * 257])
def test_an_item_without_a_name_or_with_a_longer_one_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        TaskItem(name=name)


def test_a_callback_url_that_shows_a_forbidden_target_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"127\.0\.0\.1:80 is not public"):
        TaskRequest[TaskItem].model_validate(
            {"callback_url": "http://127.1/", "message": [{"name": "a"}]}, context=TargetRules(TargetPolicy())
        )


def test_a_route_is_a_path() -> None:
    with pytest.raises(ValueError, match="task type 'echo': the route must start with /, not 'v1/echo'"):
        declare(route="v1/echo")


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("name", 5, "a name has 1 to 48 lower-case letters"),
        ("name", None, "a name has 1 to 48 lower-case letters"),
        ("route", None, "the route must start with /"),
        ("summary", None, "the summary is a text"),
        ("item", dict, "the item is a model that inherits from TaskItem"),
        ("item", TaskItem(name="a"), "the item is a model that inherits from TaskItem"),
        ("example", {"name": "a"}, "the example is a list of items, each a dict"),
        ("example", [TaskItem(name="a")], "the example is a list of items, each a dict"),
        ("max_attempts", 0, "max_attempts goes from 1 to 1000"),
        ("max_attempts", 1001, "max_attempts goes from 1 to 1000"),
        ("max_attempts", "3", "max_attempts goes from 1 to 1000"),
        ("max_attempts", 1.5, "max_attempts goes from 1 to 1000"),
        ("retry_delay_seconds", -1, "retry_delay_seconds starts at 0"),
        ("retry_delay_seconds", None, "retry_delay_seconds starts at 0"),
        ("retry_delay_seconds", math.inf, "retry_delay_seconds starts at 0"),
        ("retry_delay_seconds", math.nan, "retry_delay_seconds starts at 0"),
        ("item_concurrency", 0, "item_concurrency starts at 1, or is a function of the settings"),
        ("item_concurrency", 1.5, "item_concurrency starts at 1, or is a function of the settings"),
        ("settings", dict, "the settings are a class that inherits from Settings"),
        ("settings", None, "the settings are a class that inherits from Settings"),
    ],
)
def test_what_cannot_work_is_refused_with_what_is_wanted(field: str, value: Any, rule: str) -> None:
    with pytest.raises(TaskTypeError, match=f"^task type .*: {rule}.*, not {re.escape(repr(value))}$"):
        declare(**{field: value})


STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::texts/*"}


@pytest.mark.parametrize("names", [(), ("s3",), ["s3", "bedrock-runtime", "route53"]])
def test_services_of_aws_are_named_as_their_clients_are(names: Any) -> None:
    assert declare(aws_services=names).aws_services == names


@pytest.mark.parametrize(
    "names", ["s3", ["S3"], [""], ["s3."], ["../s3"], [None], None, 5, {"s3": 1}, (each for each in ["s3"])]
)
def test_what_can_be_no_name_of_one_is_refused(names: Any) -> None:
    with pytest.raises(ValueError, match=r"task type 'echo': aws_services are names as boto3\.client takes them"):
        declare(aws_services=names)


@pytest.mark.parametrize(
    "statement",
    [
        STATEMENT,
        {**STATEMENT, "Sid": "Texts", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Effect": "Deny", "NotAction": ["s3:GetObject"], "NotResource": {"Fn::Sub": "arn:aws:s3:::${AWS::StackName}"}},
    ],
)
def test_a_statement_of_iam_is_taken_as_it_is(statement: Any) -> None:
    assert declare(iam_statements=[statement]).iam_statements == [statement]


@pytest.mark.parametrize(
    "statements",
    [
        STATEMENT,
        "s3:GetObject",
        ["s3:GetObject"],
        None,
        (each for each in [STATEMENT]),
        [{**STATEMENT, "Effect": "allow"}],
        [{**STATEMENT, "Effect": ["Allow"]}],
        [{**STATEMENT, "Principal": "*"}],
        [{**STATEMENT, "NotAction": "s3:PutObject"}],
        [{"Effect": "Allow", "Action": "s3:GetObject"}],
        [{"Effect": "Allow", "Resource": "*"}],
        [{"effect": "Allow", "action": "s3:GetObject", "resource": "*"}],
        [{"Version": "2012-10-17", "Statement": [STATEMENT]}],
    ],
)
def test_what_can_be_none_of_a_role_is_refused(statements: Any) -> None:
    with pytest.raises(ValueError, match=r"task type 'echo': iam_statements are a list, each with an Effect, Allow or"):
        declare(iam_statements=statements)
