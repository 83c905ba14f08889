"""The first steps of every program: its settings, task types, logs and traces; what cannot work ends it here."""

from typing import TypeVar

import aioboto3

from services.queues import define_queues
from services.runtime.settings import ServiceSettings
from services.settings import load_settings, refuse_to_start
from services.streams.output import protect
from services.task_types.loading import TaskTypes, load_task_types
from services.telemetry import metrics, tracing
from services.telemetry.logs import configure_logs

ServiceSettingsT = TypeVar("ServiceSettingsT", bound=ServiceSettings)


def boot(
    settings_class: type[ServiceSettingsT], *, traced_as: str | None = None, has_results: bool = False
) -> tuple[ServiceSettingsT, TaskTypes]:
    """Return the settings and the task types, or end the program with a line that names the setting at fault.

    A program with a name for its traces makes some, where the environment asks for it. Logs go to standard output, and
    to standard error where a program has results to print.
    """
    logs_to = protect("stderr")
    if not has_results:
        logs_to = protect("stdout")
    settings = load_settings(settings_class)
    if not aioboto3.Session().region_name:
        refuse_to_start("AWS_DEFAULT_REGION: name the region of the queues, such as eu-central-1")
    try:
        task_types = load_task_types(settings.task_packages)
        define_queues(task_types)
    except ValueError as error:
        refuse_to_start(str(error))
    configure_logs(settings, logs_to)
    if not settings.metrics_enabled:
        metrics.turn_off()
    if traced_as is not None:
        start_tracing(traced_as)
    return settings, task_types


def start_tracing(service: str) -> None:
    """Begin to trace this program, of this name, where the environment asks for it; end it where that cannot work."""
    if not tracing.is_wanted():
        return
    # Imported where it is used: it takes a third of the time in which a program starts.
    from services.telemetry.spans import RecordingTracer  # noqa: PLC0415
    from services.telemetry.trace_export import open_provider  # noqa: PLC0415

    try:
        tracing.use(RecordingTracer(open_provider(service)))
    except ValueError as error:
        refuse_to_start(f"OTEL_…: OpenTelemetry cannot work with these variables: {error}")
