"""The request that a task type's example makes: the documentation is prefilled with it."""

from typing import Any
from urllib.parse import urlsplit

from services.primitives import exact_json
from services.task_types.task_type import TaskType


def make_example(task_type: TaskType[Any], receiver_url: str) -> dict[str, Any]:
    """Return a request that runs as it is; `{receiver}` in the type's example becomes the receiver's origin."""
    address = urlsplit(receiver_url)
    message = exact_json.dumps(list(task_type.example)).replace("{receiver}", f"{address.scheme}://{address.netloc}")
    return {"callback_url": receiver_url, "message": exact_json.loads(message)}
