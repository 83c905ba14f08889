"""OpenTelemetry's OTLP exporter; it sends what span_encoding.py writes, and logs when spans are not taken, and why.

By itself it holds a redirect, and an answer that rejects every span, for a success, and gives no reason for what it
has tried several times.
"""

import gzip
import json
import logging
import os
import zlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import requests
import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from typing_extensions import override

from services.primitives.proxies import goes_directly
from services.telemetry.redaction import without_url_secrets
from services.telemetry.seldom import Seldom
from services.telemetry.span_encoding import encoded

log = structlog.get_logger(__name__)

_LONGEST_REASON = 500

_EXPORTERS_LOGGER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"

# With either, the exporter takes its connections from a plug-in.
_CREDENTIAL_PROVIDERS = (
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER",
)


class SpansRejectedError(Exception):
    """The collector did not take the spans, though OpenTelemetry's exporter holds its answer for a success."""


class _Session(requests.Session):
    """Connections to the collector; says what was wrong with the last answer."""

    problem = ""
    body = b""
    """What is sent instead of what the exporter has encoded itself; empty: that is sent."""

    @override
    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if goes_directly(request.url or ""):
            options["proxies"] = {}
        if self.body:
            request.prepare_body(_compressed(self.body, str(request.headers.get("Content-Encoding"))), None)
        try:
            response = super().send(request, **options)
        except Exception as error:
            self.problem = _innermost(error)
            raise
        content_type = response.headers.get("Content-Type", "")
        self.problem = problem_of(response.status_code, content_type, response.content) or ""
        if self.problem and response.status_code < HTTPStatus.BAD_REQUEST:
            raise SpansRejectedError(self.problem)
        return response


class _LastMessage(logging.Filter):
    """Keeps what the library says to itself: it is logged with what is known besides, and not for each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        self.text = record.getMessage()
        return False


_last_message = _LastMessage()


class LoggedSpanExporter(OTLPSpanExporter):
    """The exporter as the environment configures it; it says when spans are not taken as often as it may complain."""

    def __init__(self, complaints: Seldom) -> None:
        self._session = _Session()
        self._is_own_session = not any(os.environ.get(name) for name in _CREDENTIAL_PROVIDERS)
        super().__init__(session=self._session if self._is_own_session else None)
        logger = logging.getLogger(_EXPORTERS_LOGGER)
        logger.setLevel(logging.WARNING)
        logger.addFilter(_last_message)
        self._lost = 0
        self._complaints = complaints

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans. Where they are not taken, it says so; it is called by one thread."""
        self._session.problem = _last_message.text = ""
        self._session.body = self._encoded(spans)
        result = super().export(() if self._session.body else spans)
        if result is not SpanExportResult.SUCCESS:
            self._lost += len(spans)
            self._complain(self._session.problem or _last_message.text)
        return result

    def _encoded(self, spans: Sequence[ReadableSpan]) -> bytes:
        """Return what is to be sent; nothing where OpenTelemetry's encoder is to do it."""
        if not self._is_own_session:
            return b""
        try:
            return encoded(spans)
        except Exception:  # noqa: BLE001  # that one says what cannot be encoded, and sends what can
            return b""

    def _complain(self, reason: str) -> None:
        if not self._complaints.is_due():
            return
        collector = without_url_secrets(self._endpoint)
        log.error("spans not taken", spans=self._lost, collector=collector, reason=reason[:_LONGEST_REASON])
        self._lost = 0


def problem_of(status: int, content_type: str, body: bytes) -> str | None:
    """Say why an answer to an export means that spans are not taken; None where it does not.

    A collector answers 200 with what it has rejected (https://opentelemetry.io/docs/specs/otlp/#partial-success-1).
    """
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"it answered {status}, which is not followed: OTEL_EXPORTER_OTLP_ENDPOINT must be where it leads to"
    if status >= HTTPStatus.BAD_REQUEST:
        return f"it answered {status}"
    try:
        rejected, message = _rejected(content_type, body)
    except Exception:  # noqa: BLE001  # whatever a parser makes of a body that is none of its own
        return f"it answered {status} with what is no OTLP: does OTEL_EXPORTER_OTLP_ENDPOINT lead to a collector?"
    return f"it rejected {rejected} of them: {message or 'it does not say why'}" if rejected else None


def _compressed(body: bytes, encoding: str) -> bytes:
    """Return the body in the encoding that its header says."""
    match encoding:
        case "gzip":
            return gzip.compress(body)
        case "deflate":
            return zlib.compress(body)
        case _:
            return body


def _rejected(content_type: str, body: bytes) -> tuple[int, str]:
    """Return how many spans an answer says to have rejected, and why. An empty one says of none."""
    if "json" in content_type and body:
        partial = json.loads(body).get("partialSuccess") or {}
        return int(partial.get("rejectedSpans", 0)), str(partial.get("errorMessage", ""))
    if "html" in content_type:
        raise ValueError("a page for people")
    success = ExportTraceServiceResponse.FromString(body).partial_success
    return success.rejected_spans, success.error_message


def _innermost(error: BaseException) -> str:
    """Return what went wrong: the outer errors repeat it, and the URL."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(error) or type(error).__name__
