"""What the API measures of the requests for one task type: accepted, refused by status, and how long they took."""

import time

from fastapi import HTTPException, status
from starlette.types import Scope

from services.api.errors import MalformedRequestError
from services.telemetry.metrics import HTTP_REQUEST_SECONDS, TASKS_ACCEPTED, TASKS_REFUSED, child
from web.answered_status import ANSWERED_STATUS


class RequestMetrics:
    """The metrics of one route. `begun` is when a request's head had come, by the performance counter."""

    def __init__(self, task_type: str) -> None:
        self._task_type = task_type
        self._accepted = child(TASKS_ACCEPTED, task_type)
        self._refused = child(TASKS_REFUSED)
        self._seconds = child(HTTP_REQUEST_SECONDS, task_type)

    def accepted(self, begun: float) -> None:
        """Count a task that is queued."""
        self._accepted.inc()
        self._seconds.observe(time.perf_counter() - begun)

    def refused(self, begun: float, scope: Scope, error: Exception) -> None:
        """Count a request by the status that the error is answered with, or that was sent already."""
        answered = scope.get(ANSWERED_STATUS) or status_of(error)
        self._refused.labels(self._task_type, str(answered)).inc()
        self._seconds.observe(time.perf_counter() - begun)


def status_of(error: Exception) -> int:
    """Return the HTTP status of the answer to the error (see `errors.answer_to`), 500 where that has none."""
    match error:
        case HTTPException():
            return error.status_code
        case MalformedRequestError():
            return status.HTTP_422_UNPROCESSABLE_CONTENT
        case _:
            return status.HTTP_500_INTERNAL_SERVER_ERROR
