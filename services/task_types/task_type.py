"""What a task type declares. Everything else follows from it: route, documentation, queue, DLQ and worker."""

import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Generic

import httpx2
from pydantic import BaseModel, ConfigDict, Field, create_model
from typing_extensions import TypeIs, TypeVar

from services.outbound.targets import TargetUrl
from services.primitives.sqs_limits import MAX_RECEIVE_COUNT
from services.settings import Settings
from services.task_types.errors import TaskTypeError
from services.task_types.names import schema_name
from services.task_types.results import ResultType

MAX_ITEMS = 1000
MAX_ITEM_NAME_LENGTH = 256

# An SQS queue name has up to 80 of these characters; "-dlq" and a prefix need room too.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")


# As botocore names the folders of its descriptions.
_AWS_SERVICE = re.compile(r"[a-z0-9][a-z0-9-]*")


def is_task_type_name(name: str) -> bool:
    """Return whether a task type, and so its queue, may have the name."""
    return bool(_NAME.fullmatch(name)) and not name.endswith("-dlq")


def _are_aws_service_names(names: object) -> bool:
    # What can be read but once, such as a generator, would be empty for its next reader.
    return _is_list(names) and all(isinstance(each, str) and _AWS_SERVICE.fullmatch(each) for each in names)


def _are_iam_statements(statements: object) -> bool:
    return _is_list(statements) and all(map(_is_iam_statement, statements))


def _is_iam_statement(statement: object) -> bool:
    """Return whether a policy of a role may have it, as far as its elements go."""
    if not isinstance(statement, Mapping):
        return False
    elements = {*statement} - {"Sid", "Condition"}
    what, where = elements & {"Action", "NotAction"}, elements & {"Resource", "NotResource"}
    is_whole = len(what) == len(where) == 1 and elements == {"Effect", *what, *where}
    return is_whole and statement["Effect"] in ("Allow", "Deny")


def _is_list(value: object) -> TypeIs[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_whole_number(value: object, least: int, most: float = math.inf) -> bool:
    return type(value) is int and least <= value <= most


class TaskItem(BaseModel):
    """One item of a task's message; `name` is the key of its entry in `results` or `errors`."""

    # A misspelt field is an error of the client, not to be passed over in silence.
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[
        str,
        Field(min_length=1, max_length=MAX_ITEM_NAME_LENGTH, description="Names this item's entry in the outcome."),
    ]


ItemT = TypeVar("ItemT", bound=TaskItem)
SettingsT = TypeVar("SettingsT", bound=Settings, default=Any)


class TaskRequest(BaseModel, Generic[ItemT]):
    """A task as the client posts it: 1 to 1000 items, and where to POST the outcome."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    callback_url: Annotated[TargetUrl, Field(description="The outcome is POSTed to this http(s) URL.")]
    message: Annotated[list[ItemT], Field(min_length=1, max_length=MAX_ITEMS)]


class ItemError(Exception):
    """Raised by `run` when an item fails: its text becomes the item's entry in `errors`."""


@dataclass(slots=True)
class HeldBytes:
    """How many bytes the items of one task hold together: counted by a task type that bounds them."""

    total: int = 0


@dataclass(frozen=True, slots=True)
class TaskContext(Generic[SettingsT]):
    """What `run` may use besides its item."""

    task_id: str
    attempt: int
    """1 on the first attempt of the task."""
    http: httpx2.AsyncClient
    """A client shared by all tasks of the worker: it follows no redirects and has no default timeout.

    It raises ForbiddenTargetError where a request leads to what is neither public nor in `ALLOWED_PRIVATE_TARGETS`."""
    settings: SettingsT = None  # type: ignore[assignment]  # a test of a task type that reads none gives none
    """Those that the task type declares, as the environment has them."""
    held: HeldBytes = field(default_factory=HeldBytes, compare=False)


_RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    (
        "name",
        lambda name: isinstance(name, str) and is_task_type_name(name),
        "a name has 1 to 48 lower-case letters, digits or hyphens, no end in -dlq",
    ),
    (
        "route",
        lambda route: isinstance(route, str) and route.startswith("/"),
        "the route must start with /",
    ),
    ("summary", lambda summary: isinstance(summary, str), "the summary is a text"),
    (
        "item",
        lambda item: isinstance(item, type) and issubclass(item, TaskItem),
        "the item is a model that inherits from TaskItem",
    ),
    (
        "example",
        lambda items: _is_list(items) and all(isinstance(each, Mapping) for each in items),
        "the example is a list of items, each a dict",
    ),
    (
        "max_attempts",
        lambda attempts: _is_whole_number(attempts, 1, MAX_RECEIVE_COUNT),
        f"max_attempts goes from 1 to {MAX_RECEIVE_COUNT}",
    ),
    (
        "retry_delay_seconds",
        lambda seconds: isinstance(seconds, int | float) and 0 <= seconds < math.inf,
        "retry_delay_seconds starts at 0",
    ),
    (
        "item_concurrency",
        lambda items: _is_whole_number(items, 1) or callable(items),
        "item_concurrency starts at 1, or is a function of the settings",
    ),
    (
        "settings",
        lambda settings: isinstance(settings, type) and issubclass(settings, Settings),
        "the settings are a class that inherits from Settings",
    ),
    (
        "aws_services",
        _are_aws_service_names,
        "aws_services are names as boto3.client takes them, in a list such as ['s3']",
    ),
    (
        "iam_statements",
        _are_iam_statements,
        (
            "iam_statements are a list, each with an Effect, Allow or Deny, an Action (or NotAction) and a Resource (or"
            " NotResource), and else a Sid and a Condition"
        ),
    ),
)
"""Each field that can be wrong, when it is right, and what is said where it is not."""


@dataclass(frozen=True, kw_only=True)
class TaskType(Generic[ItemT, SettingsT]):
    """A kind of task.

    Raises TaskTypeError when made with what cannot work.
    """

    name: str
    """Also the name of its queue: lower-case letters, digits and hyphens, at most 48."""
    route: str
    """The path that accepts it, such as `/v1/calculation/basic`."""
    summary: str
    """Its title in the documentation."""
    item: type[ItemT]
    """The model of one item."""
    run: Callable[[ItemT, TaskContext[SettingsT]], Awaitable[Any]]
    """Works one item and returns what JSON can carry, or a value of the type that it declares to return, such as a
    pydantic model, by which a result is documented. `ItemError` fails the item, any other exception the attempt."""
    example: Sequence[dict[str, Any]]
    """The documentation's prefilled message; `{receiver}` in a text stands for the example receiver's address. A number
    of more than 15 digits is a Decimal."""
    max_attempts: int = 3
    """Attempts at the whole task before it is dead-lettered; 1 where the work must not be repeated."""
    retry_delay_seconds: float = 5
    """The wait after the first failed attempt; it doubles with each further one."""
    item_concurrency: int | Callable[[SettingsT], int] = 1
    """How many items of one task are worked at a time; or how that follows from the settings."""
    settings: type[SettingsT] = Settings  # type: ignore[assignment]  # where it declares none, it is given no others
    """What it reads from the environment: read when its worker starts, and refused there where it cannot work. What is
    a `SecretStr` is in no template of AWS."""
    aws_services: Sequence[str] = ()
    """Those of AWS besides SQS that it calls by boto3 or aioboto3, as their `client` names them, such as `s3`: the
    package of functions describes no others."""
    iam_statements: Sequence[Mapping[str, Any]] = ()
    """What its worker may do on AWS besides its work on queues: statements of an IAM policy, with values that
    CloudFormation may compute, such as `{"Fn::Sub": "arn:${AWS::Partition}:s3:::${AWS::StackName}-texts/*"}`.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html"""

    def __post_init__(self) -> None:
        """Refuse what SQS, the router or a worker would refuse later."""
        for field_name, is_right, rule in _RULES:
            if not is_right(value := getattr(self, field_name)):
                raise TaskTypeError(f"task type {self.name!r}: {rule}, not {value!r}")
        try:
            _ = self.result
        except ValueError as error:
            raise TaskTypeError(f"task type {self.name!r}: {error}") from error

    def items_at_a_time(self, settings: SettingsT) -> int:
        """Return how many items of one task are worked at a time."""
        return self.item_concurrency if isinstance(self.item_concurrency, int) else self.item_concurrency(settings)

    @cached_property
    def result(self) -> ResultType:
        """What `run` returns."""
        return ResultType.of(self.run)

    @cached_property
    def request_model(self) -> type[TaskRequest[ItemT]]:
        """The model of the request body."""
        return create_model(
            schema_name(self.name, "Request"),
            __base__=TaskRequest[self.item],  # type: ignore[name-defined]  # the item's model is known at run time only
            __doc__=TaskRequest.__doc__,
        )
