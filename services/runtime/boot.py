"""The first steps of every program: its settings, task types, logs and traces; what cannot work ends it here."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import aioboto3

from services.queues import define_queues
from services.runtime.settings import ServiceSettings
from services.settings import Settings, SettingsT, load_settings, refuse_to_start
from services.streams.output import protect
from services.task_types.loading import TaskTypes, load_task_types
from services.telemetry import metrics, tracing
from services.telemetry.logs import configure_logs
from services.telemetry.redaction import hide_secrets_of

ServiceSettingsT = TypeVar("ServiceSettingsT", bound=ServiceSettings)
ReadSettingsT_co = TypeVar("ReadSettingsT_co", bound=ServiceSettings, covariant=True)


@dataclass(frozen=True, slots=True)
class Booted(Generic[ReadSettingsT_co]):
    """What a program reads from its environment."""

    settings: ReadSettingsT_co
    task_types: TaskTypes
    task_settings: Mapping[str, Settings]
    """Those that each task type declares which the program works, by its name."""


def works_none(_settings: ServiceSettings) -> Iterable[str]:
    """Return no task type: so it is with every program but workers."""
    return ()


def boot(
    settings_class: type[ServiceSettingsT],
    *,
    works: Callable[[ServiceSettingsT], Iterable[str]] = works_none,
    traced_as: str | None = None,
    has_results: bool = False,
) -> Booted[ServiceSettingsT]:
    """Read a program's settings and task types, or end it with a line that names the setting at fault.

    `works`: the names of the task types whose own settings it reads, as who works none of a type need not have its
    secrets; what is no name of a task type is passed over. A program with a name for its traces makes some, where the
    environment asks for it. Logs go to standard output, and to standard error where a program has results to print.
    """
    logs_to = protect("stderr")
    if not has_results:
        logs_to = protect("stdout")
    settings = _load(settings_class)
    if not aioboto3.Session().region_name:
        refuse_to_start("AWS_DEFAULT_REGION: name the region of the queues, such as eu-central-1")
    try:
        task_types = load_task_types(settings.task_packages)
        define_queues(task_types)
    except ValueError as error:
        refuse_to_start(str(error))
    task_settings = {name: _load(task_types[name].settings) for name in works(settings) if name in task_types}
    configure_logs(settings, logs_to)
    metrics.switch(on=settings.metrics_enabled)
    if traced_as is not None:
        start_tracing(traced_as)
    return Booted(settings, task_types, task_settings)


def _load(settings_class: type[SettingsT]) -> SettingsT:
    """Read the settings; their secrets are hidden before anything can log them."""
    settings = load_settings(settings_class)
    hide_secrets_of(settings)
    return settings


def start_tracing(service: str) -> None:
    """Begin to trace this program, of this name, where the environment asks for it; end it where that cannot work."""
    if not tracing.is_wanted():
        return
    # Imported where it is used: it takes a third of the time in which a program starts.
    from services.telemetry.spans import RecordingTracer  # noqa: PLC0415
    from services.telemetry.trace_export import open_provider  # noqa: PLC0415

    try:
        tracing.use(RecordingTracer(*open_provider(service)))
    except ValueError as error:
        refuse_to_start(f"OTEL_…: OpenTelemetry cannot work with these variables: {error}")
