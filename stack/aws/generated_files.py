"""The files in `aws/` that follow from the task types and their queues."""

from collections.abc import Mapping
from pathlib import Path

from services.task_types.loading import TaskTypes
from stack.aws.containers_template import render_containers
from stack.aws.functions_template import render_functions
from stack.aws.kubernetes import kubernetes_files
from stack.aws.queues_template import render_queues
from stack.aws.receiver_template import render_receiver
from stack.config import ROOT

AWS = ROOT / "aws"
CONTAINERS_TEMPLATE = AWS / "containers.yaml"
FUNCTIONS_TEMPLATE = AWS / "functions.yaml"
QUEUES_TEMPLATE = AWS / "queues.yaml"
RECEIVER_TEMPLATE = AWS / "receiver.yaml"
KUBERNETES = AWS / "kubernetes"
"""A folder that has generated files alone."""


def aws_files(task_types: TaskTypes, environment: Mapping[str, str]) -> dict[Path, str]:
    """Return the text of each file, with these settings of the user.

    Raises `StackError` where a service could not start with them, or not stop in the time that it is given.
    """
    return {
        CONTAINERS_TEMPLATE: render_containers(task_types, environment),
        FUNCTIONS_TEMPLATE: render_functions(task_types, environment),
        QUEUES_TEMPLATE: render_queues(task_types, environment),
        RECEIVER_TEMPLATE: render_receiver(),
        **{KUBERNETES / name: text for name, text in kubernetes_files(task_types, environment).items()},
    }
