"""What the callback of a task heard."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a task, as the callback hears it."""

    task_id: str
    body: str
    """The JSON of the callback, to the byte."""
    is_success: bool
    """Whether the task was done, failed items included; False: it failed for good."""

    @property
    def results(self) -> list[dict[str, Any]]:
        """An object for each item that was done, in the order of the request; its numbers are Python's own."""
        return list(json.loads(self.body)["results"])

    @property
    def errors(self) -> list[dict[str, Any]]:
        """An object for each item that failed; for a task that failed for good, the reason and the request."""
        return list(json.loads(self.body)["errors"])

    @property
    def reason(self) -> str | None:
        """Why the task failed for good, and after how many attempts; None where it was done."""
        return None if self.is_success else str(self.errors[0]["details"])

    def __repr__(self) -> str:
        """Say how the task ended: pytest shows it below an assertion that fails."""
        if not self.is_success:
            return f"<task that failed for good: {self.reason}>"
        return f"<task that is done: results {self.results}, errors {self.errors}>"
