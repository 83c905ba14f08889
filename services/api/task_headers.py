"""The headers of a task's request that say how it is queued: documented, read and refused here."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Header
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from services.api.errors import MalformedRequestError
from services.api.validation import faults
from services.primitives.sqs_limits import (
    LONGEST_DELAY_SECONDS,
    LONGEST_MESSAGE_GROUP_ID,
    MESSAGE_GROUP_ID_CHARACTERS,
)


def _whole_seconds(value: Any) -> Any:
    """Let decimal digits alone through, as of `delay-seconds` in HTTP's `Retry-After` (RFC 9110, section 10.2.3)."""
    if isinstance(value, str) and not (value.isascii() and value.isdecimal()):
        raise PydanticCustomError("whole_seconds", "Input should be whole seconds, in decimal digits alone")
    return value


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="A unique value of the client's, such as a UUID, by which retries of the same request are"
        " recognized: the same key gives the same `task_id`. So a request that was answered 500 or 503, or not at all,"
        " can be repeated; its work may be done again, and what is delivered again has the same `webhook-id`."
        " Nothing is kept of a key: it never expires, and its use with another request is not noticed."
        " `Message-Group-Id` and `Delay-Seconds` are no part of it: send them again with a repeated request, whose"
        " delay begins anew.",
    ),
]
MessageGroupId = Annotated[
    str | None,
    Header(
        alias="Message-Group-Id",
        min_length=1,
        max_length=LONGEST_MESSAGE_GROUP_ID,
        pattern=rf"^[{MESSAGE_GROUP_ID_CHARACTERS}]+$",
        description="Whose task it is, such as a customer's id: SQS's `MessageGroupId`, by which its fair queues keep a"
        " tenant with many tasks, or slow ones, from delaying those of the others. Alphanumeric characters and"
        " punctuation. It orders nothing, and stays with the task until its outcome is delivered.",
    ),
]
DelaySeconds = Annotated[
    int,
    Header(
        alias="Delay-Seconds",
        ge=0,
        le=LONGEST_DELAY_SECONDS,
        description="For how long the task is not to be begun, in whole seconds: SQS's `DelaySeconds`.",
    ),
    BeforeValidator(_whole_seconds),
]


class TaskHeaders(BaseModel):
    """What the headers of a request say; each is optional."""

    model_config = ConfigDict(frozen=True)

    idempotency_key: IdempotencyKey = None
    message_group_id: MessageGroupId = None
    delay_seconds: DelaySeconds = 0

    def as_log(self) -> dict[str, str | int]:
        """Return what the line of the accepted task says of them."""
        delay: dict[str, str | int] = {"delay_seconds": self.delay_seconds} if self.delay_seconds else {}
        return delay if self.message_group_id is None else {"message_group_id": self.message_group_id, **delay}


_NO_HEADERS = TaskHeaders()
_READ = {str(field.alias).lower().encode(): str(field.alias) for field in TaskHeaders.model_fields.values()}
"""The names of those that are read, by what an ASGI server calls them."""


def task_headers_of(headers: Sequence[tuple[bytes, bytes]]) -> TaskHeaders:
    """Return what the headers say. Raises the 422 of those that are not valid.

    White space around a value is no part of it (RFC 9110, section 5.5). One that comes more than once is the list of
    its values, parted by a comma and a space (section 5.3), which none of them takes; what stands before a function of
    AWS's may have joined them without a space, and then they are one value.
    """
    texts: dict[str, str] = {}
    for raw_name, value in headers:
        if raw_name in _READ:
            name, text = _READ[raw_name], value.decode("latin-1").strip(" \t")
            texts[name] = f"{texts[name]}, {text}" if name in texts else text
    if not texts:
        return _NO_HEADERS
    try:
        return TaskHeaders.model_validate(texts)
    except ValidationError as error:
        raise MalformedRequestError(faults(error, "header")) from error
