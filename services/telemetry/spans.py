"""What is recorded of a task: the spans, their names, attributes, parents and links.

By OpenTelemetry's semantic conventions for messaging spans, of the system `aws_sqs`
(https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans, …/messaging/sqs), for HTTP spans
(https://opentelemetry.io/docs/specs/semconv/http/http-spans) and for recorded errors
(https://opentelemetry.io/docs/specs/semconv/general/recording-errors). What they have no name for begins with
`async_tasks.`. To record raises nothing: what cannot be recorded is said in the log, and missing in the trace.

Of a trace that is not sampled nothing is made but what is passed on, once for each message or request.
"""

import functools
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar
from urllib.parse import urlsplit

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv._incubating.attributes.messaging_attributes import (
    MESSAGING_DESTINATION_NAME,
    MESSAGING_DESTINATION_TEMPLATE,
    MESSAGING_MESSAGE_CONVERSATION_ID,
    MESSAGING_MESSAGE_ID,
    MESSAGING_OPERATION_NAME,
    MESSAGING_OPERATION_TYPE,
    MESSAGING_SYSTEM,
    MessagingOperationTypeValues,
    MessagingSystemValues,
)
from opentelemetry.semconv.attributes.client_attributes import CLIENT_ADDRESS
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_RESEND_COUNT,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.network_attributes import NETWORK_PROTOCOL_VERSION
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_FULL, URL_PATH, URL_SCHEME
from opentelemetry.semconv.attributes.user_agent_attributes import USER_AGENT_ORIGINAL
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from starlette.types import Message, Scope, Send
from typing_extensions import override

from services.errors import is_sentence, text_of_error
from services.primitives.bounded import BoundedMap
from services.primitives.sqs_limits import attribute_text
from services.telemetry.recorded_span import Pipeline, RecordedSpan, name_of
from services.telemetry.redaction import HIDDEN, without_secrets, without_url_secrets
from services.telemetry.seldom import Seldom
from services.telemetry.trace_context import (
    headers_of,
    read_attributes,
    read_headers,
    unsampled_headers,
)
from services.telemetry.trace_export import SECONDS_BETWEEN_COMPLAINTS, close_provider, flush_provider
from services.telemetry.tracing import NO_SPAN, Destination, Span, Tracer

log = structlog.get_logger(__name__)

TASK_ID = "async_tasks.task_id"
RECEIVE_COUNT = "async_tasks.receive_count"
"""How often SQS has given the message: the convention has no name for it."""
MESSAGE_GROUP_ID = "async_tasks.message_group_id"
"""SQS's MessageGroupId: the convention has a name for that of RocketMQ alone."""
DEAD_LETTERED_ERROR_TYPE = "dead_lettered"
"""The `error.type` of sending a message to where failures go: it succeeded, its task has failed."""

_SERVER_ERROR = 500
_CLIENT_ERROR = 400
_MAX_MESSAGE_BYTES = 2000
_MAX_STACK_BYTES = 4000
_DEFAULT_PORTS = {"http": 80, "https": 443}
_INSTRUMENTATION = "services"
_SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"

# Many messages and requests lead to few queues and URLs.
_REMEMBERED = 1024

_NO_IDS: Mapping[str, str] = {}

Attributes = dict[str, str | int]
ResultT = TypeVar("ResultT")
Parameters = ParamSpec("Parameters")


class _Complaining(Protocol):
    complaints: Seldom


ComplainingT = TypeVar("ComplainingT", bound=_Complaining)
Method = Callable[Concatenate[ComplainingT, Parameters], ResultT]


def _or(
    fallback: ResultT,
) -> Callable[[Method[ComplainingT, Parameters, ResultT]], Method[ComplainingT, Parameters, ResultT]]:
    """Let a method return this instead of raising, and log that when its object may complain."""

    def harmless(method: Method[ComplainingT, Parameters, ResultT]) -> Method[ComplainingT, Parameters, ResultT]:
        @functools.wraps(method)
        def call(self: ComplainingT, /, *arguments: Parameters.args, **named: Parameters.kwargs) -> ResultT:
            try:
                return method(self, *arguments, **named)
            except Exception:  # whatever it is, the work goes on
                if self.complaints.is_due():
                    log.exception("not recorded in the trace")
                return fallback

        return call

    return harmless


class RecordingTracer(Tracer):
    """Makes spans that the provider records."""

    def __init__(
        self,
        provider: TracerProvider,
        processor: SpanProcessor,
        seconds_between_complaints: float = SECONDS_BETWEEN_COMPLAINTS,
    ) -> None:
        """`processor` is the provider's: what is no root is not made by the provider, and given to it directly."""
        self._provider = provider
        self.complaints = Seldom(seconds_between_complaints)
        self._tracer = provider.get_tracer(_INSTRUMENTATION, schema_url=_SCHEMA_URL)
        scope = InstrumentationScope(_INSTRUMENTATION, "", _SCHEMA_URL)
        self._pipeline = Pipeline(processor, provider.resource, scope, SpanLimits())
        # As the environment makes them: those that ask for their parent's decision keep to it.
        self._keeps_yes = isinstance(provider.sampler, ParentBased)
        self._keeps_no = self._keeps_yes or provider.sampler is ALWAYS_OFF
        # What comes next is linked to the last span of its message, or its task.
        self._attempts: BoundedMap[str, SpanContext] = BoundedMap()
        self._deliveries: BoundedMap[str, SpanContext] = BoundedMap()

    @override
    @_or(NO_SPAN)
    def request_span(self, scope: Scope, route: str) -> Span:
        parent = trace.get_current_span(read_headers(scope["headers"]))
        if unsampled := self._unsampled_in(parent):
            return _ActiveSpan(unsampled, self.complaints)
        attributes: Attributes = {
            HTTP_REQUEST_METHOD: scope["method"],
            HTTP_ROUTE: route,
            URL_PATH: scope["path"],
            URL_SCHEME: scope["scheme"],
            NETWORK_PROTOCOL_VERSION: scope["http_version"],
            **_address_of(SERVER_ADDRESS, SERVER_PORT, scope.get("server")),
            **_address_of(CLIENT_ADDRESS, None, scope.get("client")),
        }
        agent = next((value for name, value in scope["headers"] if name == b"user-agent"), None)
        if agent is not None:
            attributes[USER_AGENT_ORIGINAL] = agent.decode("latin-1")
        span = self._start(f"{scope['method']} {route}", SpanKind.SERVER, attributes, parent)
        return _ServerSpan(span, self.complaints)

    @override
    @_or(NO_SPAN)
    def send_span(
        self,
        destination: Destination,
        reason: str | None,
        stack_trace: str | None,
        message_group_id: str | None,
    ) -> Span:
        parent = trace.get_current_span()
        if parent.__class__ is _Unsampled:
            return parent.passed_on
        attributes = _messaging("send", MessagingOperationTypeValues.SEND, destination, message_group_id)
        span = self._start(f"send {destination.template}", SpanKind.PRODUCER, attributes, parent)
        if reason is not None and span.is_recording():
            # It is what ends the task, and what one who looks at the trace looks for.
            _note_failure(span, DEAD_LETTERED_ERROR_TYPE, reason, stack_trace)
        return _CarriedSpan(span, self.complaints)

    @override
    @_or(NO_SPAN)
    def process_span(
        self,
        source: Destination,
        message_id: str,
        receive_count: int,
        attributes: Mapping[str, str],
        message_group_id: str | None,
    ) -> Span:
        if self._keeps_no and (headers := unsampled_headers(attributes)):
            return _StayingSpan(_Unsampled(headers), self.complaints)
        parent = trace.get_current_span(read_attributes(attributes))
        if unsampled := self._unsampled_in(parent):
            return _StayingSpan(unsampled, self.complaints)
        links = _links_to(parent.get_span_context(), self._attempts.get(message_id))
        span = self._start(
            f"process {source.template}",
            SpanKind.CONSUMER,
            {
                **_messaging("process", MessagingOperationTypeValues.PROCESS, source, message_group_id),
                MESSAGING_MESSAGE_ID: message_id,
                RECEIVE_COUNT: receive_count,
            },
            parent,
            links,
        )
        self._attempts[message_id] = span.get_span_context()
        return _StayingSpan(span, self.complaints)

    @override
    @_or(NO_SPAN)
    def run_span(self, task_type: str) -> Span:
        parent = trace.get_current_span()
        if parent.__class__ is _Unsampled:
            return NO_SPAN
        return _ActiveSpan(self._start(f"run {task_type}", SpanKind.INTERNAL, {}, parent), self.complaints)

    @override
    @_or(NO_SPAN)
    def delivery_span(self, url: object, task_id: str, attempt: int) -> Span:
        parent = trace.get_current_span()
        if parent.__class__ is _Unsampled:
            return parent.passed_on
        attributes: Attributes = {TASK_ID: task_id}
        if attempt > 1:
            attributes[HTTP_REQUEST_RESEND_COUNT] = attempt - 1
        links = _links_to(self._deliveries.get(task_id))
        span = self._start_request("POST", url, parent, attributes, links)
        self._deliveries[task_id] = span.get_span_context()
        return _CarriedSpan(span, self.complaints)

    @override
    @_or(NO_SPAN)
    def fetch_span(self, method: str, url: object) -> Span:
        parent = trace.get_current_span()
        if parent.__class__ is _Unsampled:
            return parent.passed_on
        return _CarriedSpan(self._start_request(method, url, parent), self.complaints)

    @override
    @_or(NO_SPAN)
    def alert_span(self, url: str, raised_in: Sequence[Context]) -> Span:
        spans = [context.run(trace.get_current_span) for context in raised_in]
        if len(spans) == 1:
            return _ActiveSpan(self._start_request("POST", url, spans[0]), self.complaints)
        links = _links_to(*(span.get_span_context() for span in spans))
        return _ActiveSpan(self._start_request("POST", url, trace.INVALID_SPAN, links=links), self.complaints)

    @override
    @_or(None)
    def of_task(self, task_id: str) -> None:
        span = trace.get_current_span()
        if getattr(span, "kind", None) is SpanKind.CONSUMER:
            span.set_attributes({TASK_ID: task_id, MESSAGING_MESSAGE_CONVERSATION_ID: task_id})
        else:
            span.set_attribute(TASK_ID, task_id)

    @override
    @_or(None)
    def failed(self, error: BaseException) -> None:
        _note_error(trace.get_current_span(), error)

    @override
    @_or(_NO_IDS)
    def ids(self) -> Mapping[str, str]:
        span = trace.get_current_span()
        if span.__class__ is _Unsampled:
            return _NO_IDS
        trace_id, span_id, _is_remote, flags, _state, is_valid = span.get_span_context()
        if not (is_valid and flags & TraceFlags.SAMPLED):
            return _NO_IDS
        return {"trace_id": f"{trace_id:032x}", "span_id": f"{span_id:016x}"}

    @override
    @_or(None)
    def flush(self) -> None:
        flush_provider(self._provider)

    @override
    @_or(None)
    def stop(self) -> None:
        close_provider(self._provider)

    def _start(
        self, name: str, kind: SpanKind, attributes: Attributes, parent: trace.Span, links: Sequence[Link] = ()
    ) -> trace.Span:
        above = parent.get_span_context()
        trace_id, _span_id, _is_remote, flags, state, is_valid = above
        if self._keeps_yes and is_valid and flags & TraceFlags.SAMPLED:
            context = SpanContext(trace_id, self._provider.id_generator.generate_span_id(), False, flags, state)  # noqa: FBT003  # it is not remote
            return RecordedSpan(self._pipeline, name, kind, context, above, attributes, links)
        within = trace.set_span_in_context(parent, otel_context.Context())
        span = self._tracer.start_span(name, within, kind, attributes, links)
        is_unsampled = self._keeps_no and not span.is_recording()
        return _Unsampled(headers_of(span.get_span_context())) if is_unsampled else span

    def _unsampled_in(self, parent: trace.Span) -> "_Unsampled | None":
        """Return what stands for all that is done within the parent, where none of it is recorded."""
        context = parent.get_span_context()
        _trace_id, _span_id, _is_remote, flags, _state, is_valid = context
        is_unsampled = self._keeps_no and is_valid and not flags & TraceFlags.SAMPLED
        return _Unsampled(headers_of(context)) if is_unsampled else None

    def _start_request(
        self,
        method: str,
        url: object,
        parent: trace.Span,
        attributes: Attributes | None = None,
        links: Sequence[Link] = (),
    ) -> trace.Span:
        all_attributes = {HTTP_REQUEST_METHOD: method, **_url_attributes(str(url)), **(attributes or {})}
        return self._start(method, SpanKind.CLIENT, all_attributes, parent, links)


class _Unsampled(trace.NonRecordingSpan):
    """What is current where nothing is recorded, nor is anything within it; it is known by what it passes on."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self._headers = headers

    @override
    def get_span_context(self) -> SpanContext:
        # A task type's own spans ask for it, if anything does.
        return trace.get_current_span(read_attributes(self._headers)).get_span_context()

    @property
    def passed_on(self) -> Span:
        """What takes it along, so that whoever is called records nothing either."""
        return _PassedOn(self._headers)


class _PassedOn(Span):
    """No span, but what goes along with what is sent."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers


class _ActiveSpan(Span):
    """A span that is the current one inside its block."""

    def __init__(self, span: trace.Span, complaints: Seldom) -> None:
        self.complaints = complaints
        self._span = span
        self._token: Any = None

    def __enter__(self) -> Self:
        self._token = otel_context.attach(trace.set_span_in_context(self._span))
        return self

    @_or(None)
    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:  # type: ignore[override]  # as `with` calls it
        try:
            if error is not None:
                _note_error(self._span, error)
            self._span.end()
        finally:
            self._leave()

    @override
    @_or(None)
    def answered(self, status: int) -> None:
        self._span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)
        if status >= _CLIENT_ERROR:
            self._span.set_attribute(ERROR_TYPE, str(status))
            self._span.set_status(Status(StatusCode.ERROR))

    def _leave(self) -> None:
        otel_context.detach(self._token)


class _StayingSpan(_ActiveSpan):
    """A span that stays the current one behind its block, which has an asyncio task, and so a context, of its own."""

    def _leave(self) -> None:
        pass


class _CarriedSpan(_ActiveSpan):
    """A span whose context goes along with what is sent."""

    def __init__(self, span: trace.Span, complaints: Seldom) -> None:
        super().__init__(span, complaints)
        self.headers = headers_of(span.get_span_context())


class _ServerSpan(_ActiveSpan):
    """The span of a request that is answered here: an error of the client's is none of the server's."""

    @override
    @_or(None)
    def answered(self, status: int) -> None:
        self._span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)
        if status >= _SERVER_ERROR:
            self._span.set_attribute(ERROR_TYPE, str(status))
            self._span.set_status(Status(StatusCode.ERROR))

    @override
    def watched(self, send: Send) -> Send:
        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answered(message["status"])
            await send(message)

        return watch


def _messaging(
    name: str, operation: MessagingOperationTypeValues, destination: Destination, message_group_id: str | None
) -> Attributes:
    attributes = _queue_attributes(name, operation, destination)
    return {**attributes} if message_group_id is None else {**attributes, MESSAGE_GROUP_ID: message_group_id}


@functools.lru_cache(_REMEMBERED)
def _queue_attributes(name: str, operation: MessagingOperationTypeValues, destination: Destination) -> Attributes:
    return {
        MESSAGING_SYSTEM: MessagingSystemValues.AWS_SQS.value,
        MESSAGING_OPERATION_NAME: name,
        MESSAGING_OPERATION_TYPE: operation.value,
        MESSAGING_DESTINATION_NAME: destination.name,
        MESSAGING_DESTINATION_TEMPLATE: destination.template,
        **_server_of(destination.server_url),
    }


@functools.lru_cache(_REMEMBERED)
def _url_attributes(url: str) -> Attributes:
    return {URL_FULL: without_url_secrets(url).replace(HIDDEN, "REDACTED"), **_server_of(url)}


def _server_of(url: str) -> Attributes:
    parts = urlsplit(url)
    attributes: Attributes = {SERVER_ADDRESS: parts.hostname or ""}
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    return attributes if port is None else {**attributes, SERVER_PORT: port}


def _address_of(address: str, port: str | None, pair: tuple[str, int | None] | None) -> Attributes:
    if pair is None:
        return {}
    known: Attributes = {address: pair[0]}
    return known if port is None or pair[1] is None else {**known, port: pair[1]}


def _links_to(*contexts: SpanContext | None) -> list[Link]:
    return [Link(context) for context in contexts if context is not None and context.is_valid]


def _note_error(span: trace.Span, error: BaseException) -> None:
    if not span.is_recording():
        return
    stack = None if is_sentence(error) else "".join(traceback.format_exception(error))
    _note_failure(span, name_of(type(error)), text_of_error(error), stack)


def _note_failure(span: trace.Span, kind: str, message: str, stack: str | None) -> None:
    shown = _shown(message, _MAX_MESSAGE_BYTES)
    event = {EXCEPTION_TYPE: kind, EXCEPTION_MESSAGE: shown}
    if stack:
        event[EXCEPTION_STACKTRACE] = _shown(stack[-_MAX_STACK_BYTES:], _MAX_STACK_BYTES)
    span.add_event("exception", event)
    span.set_attribute(ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, shown))


def _shown(text: str, most_bytes: int) -> str:
    return attribute_text(without_secrets(text), most_bytes)
