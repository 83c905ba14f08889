"""The files in `aws/` that follow from the queues."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from services.queueing.definition import QueueDefinition
from stack.aws.containers_template import containers_template
from stack.aws.kubernetes import kubernetes_files
from stack.aws.queues_template import queues_template
from stack.config import ROOT

AWS = ROOT / "aws"
CONTAINERS_TEMPLATE = AWS / "containers.yaml"
QUEUES_TEMPLATE = AWS / "queues.yaml"
KUBERNETES = AWS / "kubernetes"
"""A folder that has generated files alone."""


def aws_files(definitions: Sequence[QueueDefinition], environment: Mapping[str, str]) -> dict[Path, str]:
    """Return the text of each file, with these settings of the user.

    Raises `StackError` where a service could not stop in the time that it is given.
    """
    return {
        QUEUES_TEMPLATE: queues_template(definitions),
        CONTAINERS_TEMPLATE: containers_template(definitions, environment),
        **{KUBERNETES / name: text for name, text in kubernetes_files(definitions, environment).items()},
    }
