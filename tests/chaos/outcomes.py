"""What a delivery brought the receiver, and whether it is right for the task that was promised."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.chaos.evidence import Delivery
from tests.chaos.ledger import Promise

_FAILURE_KEYS = {"details", "message"}
_STACK_TRACE = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The body of a delivery that was taken."""

    received_at: float
    """Seconds since the epoch."""
    raw_body: bytes
    body: Any
    """None where it has not the shape of an outcome."""

    @classmethod
    def of(cls, delivery: Delivery) -> "Outcome":
        """Read the delivery's body."""
        return cls(delivery.received_at, delivery.raw_body, _parse(delivery.raw_body))

    @property
    def is_failure(self) -> bool:
        """Whether it says that the task failed for good."""
        return bool(self.body) and [error.keys() for error in self.body["errors"]] == [_FAILURE_KEYS]

    @property
    def details(self) -> str:
        """The reason of a failure."""
        return str(self.body["errors"][0]["details"])

    def problem(self, promise: Promise) -> str | None:
        """What is wrong with it, None where it is right."""
        if self.body is None or self.body["task_id"] != promise.task_id:
            return "no outcome of the task"
        if self.is_failure:
            return self._problem_of_failure(promise)
        return promise.submission.work.problem_of(self.body)

    def _problem_of_failure(self, promise: Promise) -> str | None:
        if not self.details.strip() or self.details.startswith("unknown"):
            return "a failure without a reason"
        if _STACK_TRACE in self.details:
            return "a stack trace in a callback"
        if self.body["results"] or self.body["errors"][0]["message"] != promise.submission.request:
            return "a failure carries the original request, and no results"
        return None


def _parse(raw_body: bytes) -> Any:
    try:
        body = json.loads(raw_body, parse_float=Decimal)
    except ValueError:
        return None
    match body:
        case {"results": list(), "errors": [*errors], "task_id": str()} if all(isinstance(e, dict) for e in errors):
            return body
    return None
