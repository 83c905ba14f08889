"""What the services measure of themselves: every Prometheus instrument, declared once.

Who uses one takes its `child` when it is made itself, and keeps it: to look one up costs more than to use it. The names
and labels are what dashboards, alert rules and the console read. `queue` is the name of a queue's definition.
"""

from collections.abc import Iterable
from typing import Any, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.streams.output import outputs

# Each series would have a second one that says when it was made, which nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

# A quick task takes milliseconds, one that hangs is cut off after TASK_TIMEOUT_SECONDS (300 unless set).
_WORK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
# An attempt is cut off after CALLBACK_TIMEOUT_SECONDS (15 unless set), a request after its body's 30 and SQS's 5.
_HTTP_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)
# A message is taken up in milliseconds; behind a backlog, or while no worker runs, it waits for hours.
_WAIT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 43_200)
# The callback schedule ends 28 hours after the first attempt.
_END_TO_END_BUCKETS = (*_WAIT_BUCKETS[1:], 86_400, 108_000)

_LONGEST_LABEL = 100

TASKS_ACCEPTED = Counter("async_tasks_accepted", "Tasks that SQS has confirmed.", ["task_type"], registry=REGISTRY)
TASKS_REFUSED = Counter(
    "async_tasks_refused",
    "Requests for a task that were not accepted, by the status they were answered with.",
    ["task_type", "status"],
    registry=REGISTRY,
)
HTTP_REQUEST_SECONDS = Histogram(
    "async_tasks_http_request_seconds",
    "From the head of a request for a task until its answer.",
    ["task_type"],
    registry=REGISTRY,
    buckets=_HTTP_BUCKETS,
)
ATTEMPTS = Counter(
    "async_tasks_attempts",
    "Attempts at a message by what was decided: done, retried, dead_lettered or dropped.",
    ["queue", "result"],
    registry=REGISTRY,
)
DELIVERIES = Counter(
    "async_tasks_deliveries",
    "Delivery attempts at callbacks by how they ended: delivered, refused (tried again) or rejected (for good).",
    ["result"],
    registry=REGISTRY,
)
QUEUE_WAIT_SECONDS = Histogram(
    "async_tasks_queue_wait_seconds",
    "From the sending of a message, or the end of its delay, until its first attempt begins.",
    ["queue"],
    registry=REGISTRY,
    buckets=_WAIT_BUCKETS,
)
WORK_SECONDS = Histogram(
    "async_tasks_work_seconds",
    "The task type's own run in one attempt, without the delivery.",
    ["queue"],
    registry=REGISTRY,
    buckets=_WORK_BUCKETS,
)
DELIVERY_SECONDS = Histogram(
    "async_tasks_delivery_seconds", "One delivery attempt.", registry=REGISTRY, buckets=_HTTP_BUCKETS
)
END_TO_END_SECONDS = Histogram(
    "async_tasks_end_to_end_seconds",
    "From the acceptance of a task, or the end of its delay, until its outcome is delivered.",
    ["task_type"],
    registry=REGISTRY,
    buckets=_END_TO_END_BUCKETS,
)
IN_FLIGHT = Gauge("async_tasks_in_flight", "Slots that attempts under way take.", ["queue"], registry=REGISTRY)
SLOTS = Gauge("async_tasks_slots", "Messages that may be worked at a time.", ["queue"], registry=REGISTRY)
LAST_RECEIVED_SENT_TIMESTAMP = Gauge(
    "async_tasks_queue_last_received_sent_timestamp_seconds",
    "When the newest message that was received had been sent, or its delay was over; 0 before the first.",
    ["queue"],
    registry=REGISTRY,
)
SQS_BATCH_ENTRIES = Histogram(
    "async_tasks_sqs_batch_entries",
    "Entries of a batch request to SQS: send, delete or change_visibility.",
    ["operation"],
    registry=REGISTRY,
    buckets=tuple(range(1, 11)),
)
SQS_REQUESTS = Counter(
    "async_tasks_sqs_requests", "Requests to SQS, retries among them.", ["operation"], registry=REGISTRY
)
ALERTS_POSTED = Counter(
    "async_tasks_alerts",
    "Alerts that Slack has or the log holds (told), and refusals to take one.",
    ["result"],
    registry=REGISTRY,
)
QUEUE_MESSAGES = Gauge(
    "async_tasks_queue_messages",
    "Messages in a queue as SQS counts them: waiting, in_flight or delayed.",
    ["queue", "state"],
    registry=REGISTRY,
)
QUEUE_LAST_EMPTY_TIMESTAMP = Gauge(
    "async_tasks_queue_last_empty_timestamp_seconds",
    "When a sample last found nothing waiting in the queue.",
    ["queue"],
    registry=REGISTRY,
)


class _LogLines(Collector):
    """What became of the lines that could not be written, read when somebody asks."""

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(
            "async_tasks_log_lines_lost",
            "Lines of the log that could not be written, nor kept until they could.",
            value=sum(output.lost for output in outputs),
        )
        yield GaugeMetricFamily(
            "async_tasks_log_lines_waiting",
            "Lines of the log that cannot be written now, and are kept until they can.",
            value=sum(output.waiting for output in outputs),
        )


REGISTRY.register(_LogLines())

InstrumentT = TypeVar("InstrumentT", Counter, Gauge, Histogram)


class _Off:
    """Stands in for an instrument where nothing is measured."""

    def _ignore(self, *_arguments: object) -> None:
        pass

    inc = observe = set = set_function = _ignore

    def labels(self, *_values: str) -> "_Off":
        return self


class _Switch:
    is_on = True


def switch(*, on: bool) -> None:
    """Measure, as is done unless told otherwise, or nothing: then each `child` taken from now on does nothing."""
    _Switch.is_on = on


def child(instrument: InstrumentT, *label_values: str) -> InstrumentT:
    """Return the instrument's child for these values of its labels, or, without any, the instrument itself."""
    if not _Switch.is_on:
        return cast("InstrumentT", _Off())
    return instrument.labels(*label_values) if label_values else instrument


def label_of(text: str) -> str:
    """Return a label's value for a name that stands in a message: one that is no name would break the whole text."""
    is_name = text.isascii() and text.isprintable() and len(text) <= _LONGEST_LABEL
    return text if is_name else "unknown"


def count_request(operation_name: str, **_call: Any) -> None:
    """Count a request to SQS, each try of a call: it is botocore's hook "request-created" too."""
    SQS_REQUESTS.labels(operation_name).inc()
