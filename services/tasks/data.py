"""Task type `data`: fetch JSON from REST APIs, the items of a task concurrently."""

import asyncio
from typing import Annotated, Any, Literal

import httpx
from pydantic import AfterValidator, Field

from services import exact_json
from services.http_client import HTTP_ERRORS, describe_http_error
from services.settings import Settings, load_settings
from services.targets import TargetUrl
from services.tasks.task_type import ItemError, TaskContext, TaskItem, TaskType


class DataSettings(Settings):
    """The settings of this task type, read when the module is imported: a wrong one stops the service at boot."""

    data_timeout_seconds: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 10
    """The whole time that one item's request may take."""
    data_concurrency: Annotated[int, Field(ge=1, le=1000)] = 10
    """Requests of one task under way at a time."""


settings = load_settings(DataSettings)


def _carries_json(payload: Any) -> Any:
    """Refuse NaN and Infinity, wherever they are in the payload: JSON has no word for them."""
    try:
        exact_json.dumps(payload)
    except ValueError as error:
        raise ValueError("numbers must be finite") from error
    return payload


Payload = Annotated[dict[str, Any] | list[dict[str, Any]], AfterValidator(_carries_json)]


class DataItem(TaskItem):
    """One request: a GET, or a POST that sends `payload` as JSON."""

    url: TargetUrl
    method: Literal["GET", "POST"] = "GET"
    headers: Annotated[dict[str, str], Field(default_factory=dict)]
    payload: Annotated[Payload, Field(default_factory=dict)]


async def fetch(item: DataItem, context: TaskContext) -> Any:
    """Return the JSON that the source answers.

    Raises ItemError where it answers no 2xx, no JSON, not in time, or cannot be reached. Redirects are not followed.
    """
    try:
        async with asyncio.timeout(settings.data_timeout_seconds):
            response = await _request(item, context.http)
    except TimeoutError:
        raise ItemError(f"timeout: no complete answer within {settings.data_timeout_seconds:g} seconds") from None
    except HTTP_ERRORS as error:
        raise ItemError(describe_http_error(error)) from error
    if not response.is_success:
        raise ItemError(f"the source answered {response.status_code} {response.reason_phrase}".rstrip())
    return _json_of(response)


async def _request(item: DataItem, http: httpx.AsyncClient) -> httpx.Response:
    if item.method == "GET":
        return await http.get(str(item.url), headers=item.headers)
    headers = {"content-type": "application/json", **{name.lower(): value for name, value in item.headers.items()}}
    return await http.post(str(item.url), headers=headers, content=exact_json.dumps(item.payload))


def _json_of(response: httpx.Response) -> Any:
    try:
        return exact_json.loads(response.content)
    except ValueError as error:
        content_type = response.headers.get("content-type", "no content type")
        raise ItemError(f"the source answered no JSON ({content_type}): {error}") from error


TASK_TYPE = TaskType(
    name="data",
    route="/v1/data/from-api",
    summary="Fetch JSON from REST APIs",
    item=DataItem,
    run=fetch,
    example=[
        {"name": "sample", "url": "{receiver}/source", "method": "GET", "headers": {}, "payload": {}},
        {
            "name": "posted",
            "url": "{receiver}/source",
            "method": "POST",
            "headers": {"x-request-source": "example"},
            "payload": {"page": 1},
        },
    ],
    # A POST is not to be repeated: what it did at the source cannot be undone.
    max_attempts=1,
    item_concurrency=settings.data_concurrency,
)
