"""`aws/queues.yaml`: the queues and their alarms alone, for those who run the services elsewhere, as on Kubernetes."""

from collections.abc import Mapping
from typing import Any

from services.dlq_watcher.settings import WatcherSettings
from services.queues import define_queues
from services.task_types.loading import TaskTypes
from stack.aws.alarms import ALARM_CONDITIONS, ALARM_PARAMETERS, queue_alarms
from stack.aws.queue_resources import PREFIX_PARAMETERS, queue_resources
from stack.aws.user_settings import read_settings
from stack.aws.yaml_text import yaml_text

_COMMENT = """\
The queues on AWS, and their alarms: for those who run the services elsewhere, such as on Kubernetes (kubernetes/).
Written by `make generate` from the queues (services/queues.py)."""


def render_queues(task_types: TaskTypes, environment: Mapping[str, str]) -> str:
    """Return the template's text. Raises as `queues_template` does."""
    return yaml_text(_COMMENT, queues_template(task_types, environment))


def queues_template(task_types: TaskTypes, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the template for these task types and the settings of a user.

    Raises `StackError` where a setting cannot work, or CloudFormation could not tell two queues apart.
    """
    definitions = list(define_queues(task_types).values())
    window = read_settings(WatcherSettings, environment).alert_window_seconds
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The queues of async tasks, and their alarms",
        "Parameters": {**PREFIX_PARAMETERS, **ALARM_PARAMETERS},
        "Conditions": ALARM_CONDITIONS,
        "Resources": {**queue_resources(definitions), **queue_alarms(definitions, window)},
    }
