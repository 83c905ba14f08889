"""How spans leave the program: gathered in bounded memory, and sent to an OTLP endpoint over HTTP by a thread.

A collector that is away, slow or broken costs the spans that do not fit into that memory, and nothing else.
"""

import logging
import threading
import uuid
from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.semconv._incubating.attributes.service_attributes import SERVICE_INSTANCE_ID
from opentelemetry.semconv.attributes.service_attributes import SERVICE_NAME, SERVICE_VERSION

from services.telemetry.seldom import Seldom
from services.telemetry.span_exporter import LoggedSpanExporter

VERSION = "0.1.0"

SECONDS_BETWEEN_COMPLAINTS = 60.0
"""How often at most the log says of spans that they are not recorded, or not taken."""

FLUSH_SECONDS = 2.0
"""How long a program that ends, or is about to be frozen, waits for its last spans to be taken."""

# Its warnings report each try, and whatever a client writes into its headers.
_LIBRARYS_LOGGER = "opentelemetry"
_QUEUES_LOGGER = "opentelemetry.sdk._shared_internal"


def open_provider(service: str) -> tuple[TracerProvider, SpanProcessor]:
    """Return the provider of this program's spans, and what takes those that end.

    It is also the provider of OpenTelemetry's API: a task type may make spans of its own.

    Raises ValueError for variables of the environment that cannot work.
    """
    _quieten()
    provider = TracerProvider(resource=resource_of(service), shutdown_on_exit=False)
    processor = BatchSpanProcessor(LoggedSpanExporter(Seldom(SECONDS_BETWEEN_COMPLAINTS)))
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    return provider, processor


def resource_of(service: str) -> Resource:
    """Return what the program says of itself with all of its spans; the environment wins (`OTEL_SERVICE_NAME`, …).

    https://opentelemetry.io/docs/specs/semconv/resource/service
    """
    own = {SERVICE_NAME: service, SERVICE_VERSION: VERSION, SERVICE_INSTANCE_ID: str(uuid.uuid4())}
    return Resource.create(own).merge(OTELResourceDetector().detect())


def close_provider(provider: TracerProvider, flush_seconds: float = FLUSH_SECONDS) -> None:
    """Send the last spans; return when they are sent, or have had their time."""
    _for_a_moment(provider.shutdown, flush_seconds)


def flush_provider(provider: TracerProvider, flush_seconds: float = FLUSH_SECONDS) -> None:
    """Send the spans that have ended; return when they are sent, or have had their time."""
    _for_a_moment(provider.force_flush, flush_seconds)


def _for_a_moment(send: Callable[[], object], seconds: float) -> None:
    # It would wait for 30 seconds by itself, longer than a stopping program is given.
    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    sending.join(seconds)


def _quieten() -> None:
    logging.getLogger(_LIBRARYS_LOGGER).setLevel(logging.ERROR)
    # That spans are dropped is logged, by a filter of its own once in 20 seconds.
    logging.getLogger(_QUEUES_LOGGER).setLevel(logging.WARNING)
