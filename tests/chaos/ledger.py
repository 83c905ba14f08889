"""What the client was answered, and what was put into the queues: everything that must be accounted for."""

from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.foreign_messages import ForeignMessage
from tests.chaos.submissions import Submission


@dataclass(frozen=True, slots=True)
class Promise:
    """A task that was answered 200."""

    task_id: str
    submission: Submission
    accepted_at: float
    """Seconds since the epoch."""
    posts: int = 1
    """How often the client has posted it: each that was not answered may have put it on its queue."""


@dataclass(frozen=True, slots=True)
class SentForeign:
    """A message that is none of ours, and the queue whose SQS confirmed it."""

    queue: str
    message: ForeignMessage


@dataclass
class Ledger:
    """Written while the load and the faults go on."""

    promises: dict[str, Promise] = field(default_factory=dict)
    """By task id."""
    answers: Counter[str] = field(default_factory=Counter)
    """Every answer to every request of the client, by status; those that never came by what happened instead."""
    refused: int = 0
    """Submissions that the client gave up: nobody promised anything."""
    foreign: list[SentForeign] = field(default_factory=list)

    def promise(self, task_id: str, submission: Submission, accepted_at: float, posts: int = 1) -> None:
        """Note a 200."""
        self.promises.setdefault(task_id, Promise(task_id, submission, accepted_at, posts))
