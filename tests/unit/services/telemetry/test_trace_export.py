"""What a program says of itself with its spans, and how it ends."""

import threading
import tomllib
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from services.telemetry.trace_export import close_provider, resource_of
from stack.config import ROOT


class Exporter(SpanExporter):
    """Takes spans when it is let to."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.let_go = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.let_go.wait(30)
        self.taken += [span.name for span in spans]
        return SpanExportResult.SUCCESS


@pytest.fixture
def exporter() -> Exporter:
    return Exporter()


@pytest.fixture
def provider(exporter: Exporter) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    provider.get_tracer("tests").start_span("last").end()
    return provider


def test_a_program_that_ends_sends_its_last_spans(exporter: Exporter, provider: TracerProvider) -> None:
    exporter.let_go.set()

    close_provider(provider)

    assert exporter.taken == ["last"]


def test_a_program_ends_though_nobody_takes_its_last_spans(exporter: Exporter, provider: TracerProvider) -> None:
    close_provider(provider, flush_seconds=0.01)

    assert exporter.taken == []
    exporter.let_go.set()


def test_the_environment_names_the_service_where_it_wants_to(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resource_of("api").attributes["service.name"] == "api"

    monkeypatch.setenv(
        "OTEL_RESOURCE_ATTRIBUTES", "service.name=mine,service.version=7,deployment.environment.name=test"
    )
    assert (
        resource_of("api").attributes.items()
        >= {
            "service.name": "mine",
            "service.version": "7",
            "deployment.environment.name": "test",
        }.items()
    )

    monkeypatch.setenv("OTEL_SERVICE_NAME", "named")
    assert resource_of("api").attributes["service.name"] == "named"


def test_each_process_is_an_instance_of_its_own() -> None:
    assert len({resource_of("api").attributes["service.instance.id"] for _ in range(3)}) == 3


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert resource_of("api").attributes["service.version"] == project["version"]
