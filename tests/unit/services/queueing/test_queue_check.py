"""Which queues take less than others give them."""

from dataclasses import dataclass
from typing import cast

import pytest

from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from services.queueing.definition import QueueDefinition
from services.queueing.queue import Queue
from services.queueing.queue_check import too_small_for_dead_messages
from services.queues import define_queues
from services.task_types.loading import load_task_types

DEFINITIONS = define_queues(load_task_types(["services.tasks"]))
SMALLER = 262_144


@dataclass(frozen=True)
class SizedQueue:
    definition: QueueDefinition
    max_message_bytes: int

    @property
    def name(self) -> str:
        return f"staging-{self.definition.name}"


def found_where(*smaller: str, looked_at: tuple[str, ...] = tuple(DEFINITIONS)) -> list[str]:
    """What is said where these take smaller messages than the others."""
    sizes = {name: SMALLER if name in smaller else MAX_MESSAGE_BYTES for name in looked_at}
    queues = [cast(Queue, SizedQueue(DEFINITIONS[name], size)) for name, size in sizes.items()]
    return [str(each) for each in too_small_for_dead_messages(queues)]


def test_the_queue_that_keeps_what_nobody_could_deliver_must_take_what_its_dlqs_do() -> None:
    said = f"staging-undelivered: MaximumMessageSize is {SMALLER}, wanted {MAX_MESSAGE_BYTES} or more, as its DLQs"

    assert found_where("undelivered") == [said]
    assert found_where("undelivered", "calculation", "data-dlq") == [said]


@pytest.mark.parametrize(
    "smaller",
    [
        (),
        tuple(DEFINITIONS),
        ("calculation-dlq",),
        # What does not fit into a queue does not come into its DLQ, nor the other way round.
        ("undelivered", "calculation", "data-dlq", "callbacks"),
    ],
)
def test_queues_of_which_each_takes_what_may_come_are_as_they_should_be(smaller: tuple[str, ...]) -> None:
    assert found_where(*smaller) == []


def test_what_is_not_looked_at_is_not_judged() -> None:
    assert found_where("undelivered", looked_at=("calculation", "calculation-dlq", "undelivered")) != []
    assert found_where("undelivered", looked_at=("calculation", "undelivered")) == []
    assert found_where("calculation-dlq", looked_at=("calculation", "calculation-dlq")) == []
