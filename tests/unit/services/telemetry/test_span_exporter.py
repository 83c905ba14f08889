"""What OpenTelemetry's exporter says of a collector that does not take its spans; the collector is a real server."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from structlog.testing import capture_logs

from services.telemetry.seldom import Seldom
from services.telemetry.span_exporter import LoggedSpanExporter, problem_of
from services.telemetry.trace_export import SECONDS_BETWEEN_COMPLAINTS
from tests.refusing_proxy import running_proxy

PROTOBUF = "application/x-protobuf"


class Collector(ThreadingHTTPServer):
    """Answers each export with this."""

    status = 200
    content_type = PROTOBUF
    body = b""
    heard: bytes = b""
    """The body of the last export, as it came."""
    encoding: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:  # http.server's name
        self.server.heard = self.rfile.read(int(self.headers["content-length"]))
        self.server.encoding = self.headers["content-encoding"]
        self.send_response(self.server.status)
        self.send_header("content-type", self.server.content_type)
        self.send_header("content-length", str(len(self.server.body)))
        if 300 <= self.server.status < 400:
            self.send_header("location", f"{self.server.url}/elsewhere")
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector(("127.0.0.1", 0), Answer) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://user:s3cr3t@127.0.0.1:{server.server_port}")
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture
def exporter(collector: Collector) -> Iterator[LoggedSpanExporter]:
    assert collector.server_port
    exporter = LoggedSpanExporter(Seldom(0))
    yield exporter
    exporter.shutdown()  # type: ignore[no-untyped-call]  # OpenTelemetry leaves it untyped


def span(name: str = "span") -> ReadableSpan:
    started = TracerProvider(shutdown_on_exit=False).get_tracer("tests").start_span(name)
    started.end()
    assert isinstance(started, ReadableSpan)
    return started


def rejecting(spans: int, message: str = "") -> bytes:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = spans
    answer.partial_success.error_message = message
    return bytes(answer.SerializeToString())


@pytest.mark.parametrize(
    ("status", "content_type", "body", "problem"),
    [
        (200, PROTOBUF, b"", None),
        (200, PROTOBUF, rejecting(0), None),
        (200, PROTOBUF, rejecting(0, "all well, but slow"), None),
        (202, "", b"", None),
        (200, "application/json", b"{}", None),
        (200, "application/json", b"", None),
        (200, PROTOBUF, rejecting(7, "too old"), "it rejected 7 of them: too old"),
        (200, PROTOBUF, rejecting(7), "it rejected 7 of them: it does not say why"),
        (
            200,
            "application/json",
            b'{"partialSuccess": {"rejectedSpans": "7", "errorMessage": "too old"}}',
            "it rejected 7 of them: too old",
        ),
        (404, "text/html", b"<html>", "it answered 404"),
        (503, PROTOBUF, b"", "it answered 503"),
    ],
)
def test_an_answer_says_whether_spans_are_taken(
    status: int, content_type: str, body: bytes, problem: str | None
) -> None:
    assert problem_of(status, content_type, body) == problem


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("text/html", b"<html>"), ("text/html", b""), ("application/json", b"[1]"), (PROTOBUF, b"<html>")],
)
def test_a_200_that_is_no_answer_of_a_collector_takes_no_span(content_type: str, body: bytes) -> None:
    problem = problem_of(200, content_type, body)

    assert problem is not None
    assert problem.startswith("it answered 200 with what is no OTLP: does OTEL_EXPORTER_OTLP_ENDPOINT")


@pytest.mark.parametrize(
    ("wanted", "encoding", "decompressed"),
    [
        ("", None, bytes),
        ("none", None, bytes),
        ("gzip", "gzip", gzip.decompress),
        ("deflate", "deflate", zlib.decompress),
    ],
)
def test_spans_are_compressed_as_the_environment_wants(
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    wanted: str,
    encoding: str | None,
    decompressed: Callable[[bytes], bytes],
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", wanted)
    exporter = LoggedSpanExporter(Seldom(0))
    assert exporter.export([span("first"), span("second")]) is SpanExportResult.SUCCESS
    exporter.shutdown()  # type: ignore[no-untyped-call]  # OpenTelemetry leaves it untyped

    assert collector.encoding == encoding
    heard = ExportTraceServiceRequest.FromString(decompressed(collector.heard))
    assert [
        each.name
        for of_resource in heard.resource_spans
        for of_scope in of_resource.scope_spans
        for each in of_scope.spans
    ] == ["first", "second"]


def test_spans_that_are_taken_are_not_logged(exporter: LoggedSpanExporter) -> None:
    with capture_logs() as logs:
        assert exporter.export([span()]) is SpanExportResult.SUCCESS

    assert logs == []


@pytest.mark.parametrize(
    ("endpoint", "asked"),
    [(None, []), ("http://collector.example.com:4318", ["POST http://collector.example.com:4318/v1/traces"])],
    ids=["near", "elsewhere"],
)
def test_a_proxy_stands_before_a_collector_elsewhere_alone(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, endpoint: str | None, asked: list[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint or collector.url)
    with running_proxy() as proxy:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)
        exporter = LoggedSpanExporter(Seldom(0))
        result = exporter.export([span()])
        exporter.shutdown()  # type: ignore[no-untyped-call]  # OpenTelemetry leaves it untyped

    assert proxy.asked == asked
    assert (result is SpanExportResult.SUCCESS) == (endpoint is None)


@pytest.mark.parametrize("status", [301, 307, 400])
def test_spans_that_are_not_taken_are_logged_once_a_minute(collector: Collector, status: int) -> None:
    collector.status = status
    now = 0.0
    exporter = LoggedSpanExporter(Seldom(SECONDS_BETWEEN_COMPLAINTS, lambda: now))

    with capture_logs() as logs:
        assert [exporter.export([span(), span()]) for _ in range(3)] == [SpanExportResult.FAILURE] * 3
        now = 60
        exporter.export([span()])
    exporter.shutdown()  # type: ignore[no-untyped-call]  # OpenTelemetry leaves it untyped

    assert [line["spans"] for line in logs] == [2, 5]
    assert {line["collector"] for line in logs} == {f"{collector.url}/v1/traces"}
    assert all(line["reason"].startswith(f"it answered {status}") for line in logs)


def test_a_batch_that_is_rejected_is_logged_with_the_collectors_own_words(
    exporter: LoggedSpanExporter, collector: Collector
) -> None:
    collector.body = rejecting(2, "the quota is used up")

    with capture_logs() as logs:
        assert exporter.export([span(), span()]) is SpanExportResult.FAILURE

    [line] = logs
    assert (line["spans"], line["reason"]) == (2, "it rejected 2 of them: the quota is used up")


def test_a_batch_that_cannot_be_encoded_is_logged_in_the_librarys_words(exporter: LoggedSpanExporter) -> None:
    with capture_logs() as logs:
        exporter.export([span("\ud800")])

    assert logs[0]["reason"].startswith("Failed to encode span batch: ")


def test_one_that_is_away_is_logged_in_a_word(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"http://127.0.0.1:{closed_port}/v1/traces?key=s3cr3t")
    # It would try for ten seconds.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0.1")
    exporter = LoggedSpanExporter(Seldom(0))

    with capture_logs() as logs:
        exporter.export([span()])
    exporter.shutdown()  # type: ignore[no-untyped-call]  # OpenTelemetry leaves it untyped

    [line] = logs
    assert "Connection refused" in line["reason"]
    assert "s3cr3t" not in str(line)
