"""`aws/queues.yaml`: the queues and their alarms alone, for those who run the services elsewhere, as on Kubernetes."""

from collections.abc import Sequence

from services.queueing.definition import QueueDefinition
from stack.aws.queue_alarms import ALARM_CONDITIONS, ALARM_PARAMETERS, alarm_resources
from stack.aws.queue_resources import PREFIX_PARAMETER, Resource, queue_resources
from stack.aws.rendered_yaml import as_yaml

PREFIX: Resource = {
    "Type": "String",
    "Default": "",
    "AllowedPattern": "^[A-Za-z0-9_-]{0,24}$",
    "Description": "Goes before each queue's name, so that several stacks can share an account.",
}

_COMMENT = """\
The queues on AWS, and their alarms: for those who run the services elsewhere, such as on Kubernetes (kubernetes/).
Written by `make generate` from the queues (services/queues.py)."""


def queues_template(definitions: Sequence[QueueDefinition]) -> str:
    """Return the template as YAML."""
    return as_yaml(
        _COMMENT,
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": "The queues of async tasks, and their alarms",
            "Parameters": {PREFIX_PARAMETER: PREFIX, **ALARM_PARAMETERS},
            "Conditions": ALARM_CONDITIONS,
            "Resources": {**queue_resources(definitions), **alarm_resources(definitions)},
        },
    )
