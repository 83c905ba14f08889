"""The first steps of every program: its settings, its task types, its logs; what cannot work ends it here."""

from typing import TextIO, TypeVar

import aioboto3

from services import metrics
from services.logs import configure_logs
from services.queues import define_queues
from services.settings import BrokerSettings, load_settings, refuse_to_start
from services.task_types import TaskTypes, load_task_types

BrokerSettingsT = TypeVar("BrokerSettingsT", bound=BrokerSettings)


def boot(settings_class: type[BrokerSettingsT], *, logs_to: TextIO | None = None) -> tuple[BrokerSettingsT, TaskTypes]:
    """Return the settings and the task types, or end the program with a line that names the setting at fault.

    Logs go to standard output unless told otherwise.
    """
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
    return settings, task_types
