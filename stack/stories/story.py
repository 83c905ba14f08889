"""One task's story: its lines in the logs of all services, and where these do not reach back far enough. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, takewhile
from typing import Any

from services.telemetry import log_events
from stack.logs.line import LogLine
from stack.stories.fields import is_last_word, is_of_alert
from stack.stories.standing import IN_A_QUEUE, Standing, standing_after
from stack.stories.step import Step, step_of
from stack.stories.writers import CALLBACK_WORKER, CONSUMER, DLQ_WATCHER, NOBODY, WORKER, worker_of


@dataclass(frozen=True)
class Story:
    """What is known of one task, in the order of time."""

    task_id: str
    steps: tuple[Step, ...]
    logs_begin_at: Mapping[str, float] = field(default_factory=dict)
    """When the oldest line that is kept was written, by service; seconds since the epoch."""
    absent_since: float | None = None
    """When all queues were made that had no message of it when they were looked through; seconds since the epoch."""

    @property
    def began_at(self) -> float:
        """Seconds since the epoch."""
        return self.steps[0].line.at

    @property
    def task_type(self) -> str | None:
        """None where no line names it."""
        return next((str(each) for field in ("task_type", "origin") for each in self._all(field)), None)

    @property
    def trace_ids(self) -> list[str]:
        """Of the traces that it is part of; none where tracing is off."""
        return list(dict.fromkeys(str(each) for each in self._all("trace_id")))

    @property
    def message_group_id(self) -> str | None:
        """Whose task it is, by SQS's MessageGroupId; None where no line says it."""
        return next((str(each) for each in self._all("message_group_id")), None)

    @property
    def was_accepted(self) -> bool:
        """Whether the logs go back to its beginning."""
        return any(step.line.event == log_events.ACCEPTED for step in self.steps)

    @property
    def standing(self) -> Standing:
        """How it stands after the last step."""
        logged = standing_after([step.line for step in self.steps])
        if logged.state in IN_A_QUEUE and self.absent_since and self.ended_before(self.absent_since):
            return replace(logged, state="lost", due_at=None, lost_at=self.absent_since)
        return logged

    def ended_before(self, at: float) -> bool:
        """Whether nobody has anything of it left, as far as the logs say, that was there at that time or later.

        Who had its message in flight may have written more until he found that it is not there, and its alert goes its
        own way.
        """
        lines = [step.line for step in self.steps if not is_of_alert(step.line)]
        to_be_worked = [line for line in lines if line.event == log_events.ACCEPTED]
        after_last_word = takewhile(lambda line: not is_last_word(line), reversed(lines))
        return all(line.at < at for line in chain(to_be_worked, after_last_word))

    @property
    def logs_that_begin_too_late(self) -> dict[str, float]:
        """The logs that should say how it stands, and do not reach back to where they would: since when they do."""
        since, service = self._heard_of_next()
        return {name: at for name, at in self.logs_begin_at.items() if at > since and service.fullmatch(name)}

    def _heard_of_next(self) -> tuple[float, re.Pattern[str]]:
        """After when, and of whom, more would be heard."""
        standing, last_at = self.standing, self.steps[-1].line.at
        match standing.state:
            case "unknown":
                return self.began_at, CONSUMER
            case "delivered" if standing.is_by_receiver_alone:
                return self.began_at, CONSUMER
            case "queued" | "at work" | "hidden" | "retrying":
                return last_at, worker_of(self.task_type) if self.task_type else WORKER
            case "delivering":
                return last_at, CALLBACK_WORKER
            case "dead":
                return last_at, DLQ_WATCHER
        return last_at, NOBODY

    def _all(self, field: str) -> Iterable[Any]:
        return (step.line.fields[field] for step in self.steps if step.line.fields.get(field))


def story_of(task_id: str, lines: Iterable[LogLine], logs_begin_at: Mapping[str, float] | None = None) -> Story:
    """The story of a task, of the lines of any services, in any order."""
    own = sorted((line for line in lines if line.task_id == task_id), key=lambda line: line.at)
    return Story(task_id, tuple(map(step_of, own)), logs_begin_at or {})
