"""The request that a task type's example makes: the documentation is prefilled with it."""

from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from services.primitives import exact_json
from services.task_types.errors import TaskTypeError
from services.task_types.task_type import TaskType

_ANY_RECEIVER = "https://receiver.example/callback"


def make_example(task_type: TaskType[Any], receiver_url: str) -> dict[str, Any]:
    """Return a request that runs as it is; `{receiver}` in the type's example becomes the receiver's origin."""
    address = urlsplit(receiver_url)
    message = exact_json.dumps(list(task_type.example)).replace("{receiver}", f"{address.scheme}://{address.netloc}")
    return {"callback_url": receiver_url, "message": exact_json.loads(message)}


def require_fitting_example(task_type: TaskType[Any]) -> None:
    """Raise TaskTypeError where an item of the example is none that the API would take: it is to run as it is."""
    for index, item in enumerate(make_example(task_type, _ANY_RECEIVER)["message"]):
        try:
            task_type.item.model_validate(item)
        except ValidationError as error:
            places = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3])
            raise TaskTypeError(
                f"task type {task_type.name!r}: item {index} of its example does not fit: {places}"
            ) from None
