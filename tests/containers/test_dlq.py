"""The command `dlq`, in the image as it is and from outside of it: both see the same queues."""

import json
from typing import Any

from tests.containers.container_stack import ContainerStack


def test_the_dead_letters_are_listed_inside_a_container_and_outside(stack: ContainerStack) -> None:
    inside = stack.compose("exec", "--no-TTY", "dlq-watcher", "python", "-m", "services.dlq", "list", "--json")

    assert queue_names(inside) == queue_names(stack.dlq("list", "--json"))
    assert "undelivered" in queue_names(inside)


def queue_names(listed: str) -> list[Any]:
    return [queue["name"] for queue in json.loads(listed)["queues"]]
