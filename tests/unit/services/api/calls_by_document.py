"""Calls of the API in process, made by Schemathesis from its OpenAPI document."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import schemathesis
from hypothesis.provisional import urls
from hypothesis.strategies import sampled_from
from schemathesis.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.core.result import Ok
from schemathesis.pytest.lazy import get_all_tests
from starlette.types import Receive, Scope, Send

from services.api.app import create_app
from services.api.enqueue import EnqueueError
from services.api.pending import PendingTasks
from services.api.settings import ApiSettings
from services.api.validation_process import ValidationProcess
from services.messages import MAX_BODY_BYTES
from services.outbound.target_url import MAX_URL_LENGTH, URL_PATTERN, UrlError, parse_url
from services.outbound.targets import AllowedTarget
from services.task_types.loading import load_task_types

Case = schemathesis.Case[Any]

EXAMPLES = 50
MAX_HOST_LENGTH = 253
TASK_TYPES = load_task_types(["services.tasks"])
# Which targets are allowed, the document cannot say.
ALL_TARGETS = [AllowedTarget.parse(each) for each in ("localhost", "0.0.0.0/0", "::/0")]

# Which hosts can be looked up, the document cannot say. Nor is a URL as long as allowed, or longer, found by chance.
LOOKED_UP = urls().filter(lambda url: len(urlsplit(url).hostname or "") <= MAX_HOST_LENGTH)
LONGEST = [f"http://localhost/{'a' * (MAX_URL_LENGTH - len('http://localhost/') + more)}" for more in (-1, 0, 1)]
schemathesis.openapi.format("uri", LOOKED_UP | sampled_from(LONGEST))


@schemathesis.hook
def before_load_schema(_context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Name URLs as long as allowed: each time that Schemathesis looks for one itself, it gives up after seconds."""
    for schema in objects_in(raw_schema):
        if schema.get("format") == "uri":
            schema["examples"] = ["http://localhost", *LONGEST[:2]]


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from objects_in(each)


class FakeTaskQueue:
    """Takes everything, or nothing."""

    max_body_bytes = MAX_BODY_BYTES

    def __init__(self, *, works: bool) -> None:
        self._works = works

    async def enqueue(self, _task_id: str, _body: str, **_queued: Any) -> None:
        if not self._works:
            raise EnqueueError

    async def check(self) -> list[str]:
        if not self._works:
            raise ConnectionError("refused")
        return []


def document_of(
    *, works: bool = True, pending: PendingTasks | None = None, expected: int | None = None, **settings: Any
) -> schemathesis.BaseSchema:
    """The document of an API in process; `expected` is the status above 499 that it may answer with."""
    # No setting of the developer's shell is read.
    api_settings = ApiSettings.model_construct(allowed_private_targets=ALL_TARGETS, **settings)
    api = create_app(api_settings, TASK_TYPES)
    # The process would belong to the event loop of one request.
    api.state.validation = ValidationProcess(api_settings, 0, large_body_bytes=MAX_BODY_BYTES)
    api.state.task_queues = dict.fromkeys(TASK_TYPES, FakeTaskQueue(works=works))
    if pending:
        api.state.pending_tasks = pending

    async def without_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await api(scope, receive, send)

    expected_statuses = ["2xx", "4xx", *([expected] if expected else [])]
    config = {
        "generation": {"deterministic": True, "max-examples": EXAMPLES},
        "checks": {"not_a_server_error": {"expected-statuses": expected_statuses}},
    }
    return schemathesis.openapi.from_asgi(
        "/openapi.json", without_lifespan, config=schemathesis.Config.from_dict(config)
    )


def check(schema: schemathesis.BaseSchema, operation: str, **sent: Any) -> None:
    """Call the API with the cases of one operation and check its answers, unless a URL only has the documented form.

    Which hosts and ports there are, what SQS can hold, that no header is given twice, and that any other header may
    come with a request, the document cannot say; and not all cases are made of the format's URLs. They are made here,
    not as usual when the tests are collected: it takes many seconds, and each process of a run collects all tests.
    """

    def check_case(case: Case) -> None:
        if not any(leads_nowhere(text) for text in texts_in(case.body)):
            is_beyond_document = (
                may_be_too_large(case.body) or has_a_header_twice(case.body) or has_another_header(case)
            )
            excluded = [positive_data_acceptance, negative_data_rejection] if is_beyond_document else []
            case.call_and_validate(**sent, excluded_checks=excluded)

    one = schema.include(name=operation)
    [made] = get_all_tests(schema=one, test_func=check_case, settings=None, given_kwargs=None)
    assert isinstance(made, Ok), made
    _operation, test = made.ok()
    test()


def has_a_header_twice(body: Any) -> bool:
    """Tell whether an item names a header in upper and in lower case."""
    headers = [each["headers"] for each in objects_in(body) if isinstance(each.get("headers"), dict)]
    return any(len({name.lower() for name in each}) < len(each) for each in headers)


def has_another_header(case: Case) -> bool:
    """Tell whether the request has a header of which the document does not speak."""
    return not {name.lower() for name in case.headers} <= {each.name.lower() for each in case.operation.headers}


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts_in(each)


def may_be_too_large(value: Any) -> bool:
    """Whether the answer may be 413, be it what the document allows or not."""
    return sum(map(len, texts_in(value))) > MAX_BODY_BYTES // 2


def leads_nowhere(text: str) -> bool:
    try:
        parse_url(text)
    except UrlError:
        return re.search(URL_PATTERN, text) is not None
    return False


def documented_operations() -> list[str]:
    return [result.ok().label for result in document_of().get_all_operations() if isinstance(result, Ok)]
