"""Task type `data`: fetch JSON from REST APIs, the items of a task concurrently."""

import asyncio
from typing import Annotated, Any, Literal

import httpx2
from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo
from simplejson import RawJSON

from services.task_types import (
    HeldBytes,
    ItemError,
    Settings,
    TargetUrl,
    TaskContext,
    TaskItem,
    TaskType,
    exact_json,
    was_accepted,
)
from services.task_types.http import (
    ACCEPT_ENCODING,
    HTTP_ERRORS,
    RequestHeaders,
    ResponseTooLargeError,
    describe_http_error,
    describe_refusal,
    has_credentials,
    read_body,
)


class DataSettings(Settings):
    """What this task type reads from the environment."""

    data_timeout_seconds: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 10
    """The whole time that one item's request may take."""
    data_concurrency: Annotated[int, Field(ge=1, le=1000)] = 10
    """Requests of one task under way at a time."""
    max_response_bytes: Annotated[int, Field(ge=1)] = 1_048_576
    """The most that one answer may have, decompressed."""
    max_task_response_bytes: Annotated[int, Field(ge=1)] = 3_145_728
    """The most that all answers of one task may have together, in the outcome's JSON: its escapes can make one answer
    three times as long."""


_LONGEST_QUOTE = 100

# RFC 9110, sections 15.3.5 and 15.3.6.
_WITHOUT_CONTENT = {httpx2.codes.NO_CONTENT, httpx2.codes.RESET_CONTENT}


def _carries_json(payload: Any) -> Any:
    """Refuse NaN and Infinity, wherever they are in the payload: JSON has no word for them."""
    try:
        exact_json.dumps(payload)
    except ValueError as error:
        raise ValueError("numbers must be finite") from error
    return payload


def _is_sent(payload: Any, info: ValidationInfo) -> Any:
    if payload and info.data.get("method") == "GET" and not was_accepted(info):
        raise ValueError("a GET sends no payload: leave it out, or use POST")
    return payload


def _leave_authorization_to_the_url(headers: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    names = {name.lower() for name in headers}
    if "authorization" in names and not was_accepted(info) and has_credentials(info.data.get("url", "")):
        raise ValueError("the URL has a user or password, which are sent as Authorization: leave out one of the two")
    return headers


Payload = Annotated[dict[str, Any] | list[dict[str, Any]], AfterValidator(_carries_json), AfterValidator(_is_sent)]


class DataItem(TaskItem):
    """One request: a GET, or a POST that sends `payload` as JSON."""

    model_config = ConfigDict(
        json_schema_extra={
            # A GET sends no payload. By an `anyOf` generators of clients would make two types of it.
            "if": {"properties": {"method": {"const": "POST"}}, "required": ["method"]},
            "else": {"properties": {"payload": {"maxProperties": 0, "maxItems": 0}}},
        }
    )

    url: TargetUrl
    method: Literal["GET", "POST"] = "GET"
    headers: Annotated[RequestHeaders, AfterValidator(_leave_authorization_to_the_url), Field(default_factory=dict)]
    payload: Annotated[Payload, Field(default_factory=dict)]


class _Share:
    """The bytes that one item holds of those that all items of its task may hold together."""

    def __init__(self, held: HeldBytes, most_bytes: int) -> None:
        self._held = held
        self._most_bytes = most_bytes
        self._bytes = 0

    def add(self, count: int) -> None:
        """Raise ItemError where the items hold too much."""
        self._bytes += count
        self._held.total += count
        if self._held.total > self._most_bytes:
            raise ItemError(
                f"the answers of the task have more than {self._most_bytes} bytes together (MAX_TASK_RESPONSE_BYTES)"
            )

    def give_back(self) -> None:
        self._held.total -= self._bytes


async def fetch(item: DataItem, context: TaskContext[DataSettings]) -> Any:
    """Return the JSON that the source answers, null for an answer without content.

    Raises ItemError where it answers no 2xx, no JSON, not in time, too much, or cannot be reached. Redirects are not
    followed.
    """
    share = _Share(context.held, context.settings.max_task_response_bytes)
    try:
        return await _fetch_in_time(item, context, share)
    except BaseException:
        share.give_back()
        raise


async def _fetch_in_time(item: DataItem, context: TaskContext[DataSettings], share: _Share) -> RawJSON:
    settings = context.settings
    try:
        async with asyncio.timeout(settings.data_timeout_seconds):
            return await _fetch(item, context, share)
    except TimeoutError:
        raise ItemError(f"timeout: no complete answer within {settings.data_timeout_seconds:g} seconds") from None
    except ResponseTooLargeError:
        limit = settings.max_response_bytes
        raise ItemError(f"the answer has more than {limit} bytes (MAX_RESPONSE_BYTES)") from None
    except HTTP_ERRORS as error:
        raise ItemError(describe_http_error(error)) from error


async def _fetch(item: DataItem, context: TaskContext[DataSettings], share: _Share) -> RawJSON:
    request = context.http.stream(item.method, item.url, headers=_headers_of(item), content=_content_of(item))
    async with request as response:
        if not response.is_success:
            raise ItemError(f"the source {await describe_refusal(response)}")
        body = b""
        if response.status_code not in _WITHOUT_CONTENT:
            body = await read_body(response, context.settings.max_response_bytes, share.add)
        result = _json_of(body, response)
        share.add(len(result.encoded_json) - len(body))
        return result


def _headers_of(item: DataItem) -> dict[str, str]:
    defaults = {"accept-encoding": ACCEPT_ENCODING}
    if item.method == "POST":
        defaults["content-type"] = "application/json"
    return defaults | {name.lower(): value for name, value in item.headers.items()}


def _content_of(item: DataItem) -> str | None:
    return exact_json.dumps(item.payload) if item.method == "POST" else None


def _json_of(body: bytes, response: httpx2.Response) -> RawJSON:
    if not body:
        # A request was carried out, and its answer holds nothing.
        return RawJSON("null")
    try:
        return exact_json.compact(body)
    except ValueError as error:
        content_type = response.headers.get("content-type", "no content type")[:_LONGEST_QUOTE]
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
    settings=DataSettings,
    item_concurrency=lambda settings: settings.data_concurrency,
)
