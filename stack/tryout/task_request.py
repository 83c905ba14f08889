"""Makes a request for the API of what a file holds, and finds the task type that it fits. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from services.primitives import exact_json
from services.primitives.sqs_limits import LONGEST_MESSAGE_GROUP_ID, MESSAGE_GROUP_ID_CHARACTERS
from services.task_types.loading import TaskTypes
from services.task_types.task_type import TaskType
from stack.errors import StackError

MOST_PLACES = 5

_MESSAGE_GROUP_ID = re.compile(f"[{MESSAGE_GROUP_ID_CHARACTERS}]{{1,{LONGEST_MESSAGE_GROUP_ID}}}")

# Whether an address may be called is the API's to judge, by settings that it alone knows.
_JUDGED_BY_API = {"forbidden_target"}


@dataclass(frozen=True)
class TaskRequest:
    """What is posted, and where."""

    task_type: TaskType[Any]
    callback_url: str
    body: str
    """JSON, the numbers of the file digit by digit."""
    message_group_id: str | None = None
    delay_seconds: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """Those that say how the task is queued, where there is anything to say."""
        group = {} if self.message_group_id is None else {"Message-Group-Id": self.message_group_id}
        return {**group, "Delay-Seconds": str(self.delay_seconds)} if self.delay_seconds else group


def make_request(
    text: str | bytes, task_types: TaskTypes, wanted: str | None, callback_url: str | None, default_callback_url: str
) -> TaskRequest:
    """Read a request, or the list of its items alone, to be sent as the `wanted` task type, or the one that fits.

    A `callback_url` takes the place of its own; the default one is for a request that has none.

    Raises `StackError` where the text is neither, or where not exactly one task type fits.
    """
    request = _read(text)
    request["callback_url"] = callback_url or request.get("callback_url", default_callback_url)
    task_type = named(wanted, task_types) if wanted else _fitting(request, task_types)
    return TaskRequest(task_type, str(request["callback_url"]), exact_json.dumps(request))


def queued(request: TaskRequest, message_group_id: str | None, delay_seconds: int) -> TaskRequest:
    """The request, to be queued so. Raises `StackError` where that is no message group."""
    if message_group_id is not None and not _MESSAGE_GROUP_ID.fullmatch(message_group_id):
        raise StackError(
            f"--message-group-id is 1 to {LONGEST_MESSAGE_GROUP_ID} letters, digits and punctuation of ASCII, no space."
        )
    return replace(request, message_group_id=message_group_id, delay_seconds=delay_seconds)


def places(errors: Iterable[Mapping[str, Any]]) -> list[str]:
    """The places of a validation's errors, with what is wrong there; pydantic's and those of the API's 422."""
    lines = [f"{_place(error['loc'])}: {error['msg']}" for error in errors]
    more = len(lines) - MOST_PLACES
    return [*lines[:MOST_PLACES], f"… and {more} more"] if more > 0 else lines


def _place(location: Sequence[str | int]) -> str:
    """`message.0.num_1`; the API says before it that it speaks of the body."""
    inside = location[1:] if list(location[:1]) == ["body"] else location
    return ".".join(map(str, inside)) or "the whole"


def _read(text: str | bytes) -> dict[str, Any]:
    try:
        value = exact_json.loads(text)
    except ValueError as error:
        raise StackError(f"This is no JSON: {error}") from error
    match value:
        case list():
            return {"message": value}
        case {"message": _}:
            return dict(value)
    raise StackError('A task is {"callback_url": …, "message": [<item>, …]}, or the list of its items alone.')


def named(name: str, task_types: TaskTypes) -> TaskType[Any]:
    """The task type of that name. Raises `StackError` where there is none."""
    if name not in task_types:
        raise StackError(f"There is no task type {name}: there are {', '.join(task_types)}.")
    return task_types[name]


def _fitting(request: Any, task_types: TaskTypes) -> TaskType[Any]:
    misfits = {name: _misfits(request, task_type) for name, task_type in task_types.items()}
    fitting = [name for name, lines in misfits.items() if not lines]
    if len(fitting) == 1:
        return task_types[fitting[0]]
    if fitting:
        raise StackError(f"More than one task type fits: choose with --task-type {' or '.join(fitting)}.")
    evidence = "\n".join("\n    ".join([f"as {name}:", *lines]) for name, lines in misfits.items())
    raise StackError("It fits no task type. Correct what stands above, or choose a type with --task-type.", evidence)


def _misfits(request: Any, task_type: TaskType[Any]) -> list[str]:
    try:
        task_type.request_model.model_validate(request)
    except ValidationError as error:
        return places(each for each in error.errors() if each["type"] not in _JUDGED_BY_API)
    return []
