"""How long a service has to be given from SIGTERM to SIGKILL, by its settings (docs/scaling.md, "Scale in slowly")."""

import math
from collections.abc import Mapping

from services.api.settings import ApiSettings
from services.queueing.settings import ConsumerSettings
from stack.aws.user_settings import read_settings
from stack.errors import StackError

FARGATE_LONGEST_STOP_SECONDS = 120
"""https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html (stopTimeout)"""

SETTLE_SECONDS = 10
"""In which a process settles what its drain has cut short, closes what it has open, and ends."""

SPARE_SECONDS = 10
"""What is given beyond that, as SIGKILL loses what is in flight."""


def consumer_stop_seconds(environment: Mapping[str, str]) -> int:
    """Return what a worker or the DLQ watcher needs: the long poll under way, then the drain, then what settles.

    Raises `StackError` where a setting cannot work.
    """
    wait, drain = _waits(environment)
    return math.ceil(wait + drain) + SETTLE_SECONDS + SPARE_SECONDS


def api_stop_seconds(environment: Mapping[str, str]) -> int:
    """Return what the API needs: the requests under way, and their messages, each within `ENQUEUE_TIMEOUT_SECONDS`.

    Raises `StackError` where a setting cannot work.
    """
    return (
        math.ceil(2 * read_settings(ApiSettings, environment).enqueue_timeout_seconds) + SETTLE_SECONDS + SPARE_SECONDS
    )


def require_fargate_can_wait(environment: Mapping[str, str]) -> None:
    """Raise `StackError` where Fargate would kill a service before it has stopped."""
    needed = consumer_stop_seconds(environment)
    if needed > FARGATE_LONGEST_STOP_SECONDS:
        wait, drain = _waits(environment)
        raise StackError(
            f"DRAIN_TIMEOUT_SECONDS ({drain:g}) and SQS_WAIT_TIME_SECONDS ({wait:g}) let a service take"
            f" {needed} seconds to stop, and Fargate kills it after {FARGATE_LONGEST_STOP_SECONDS}:"
            f" with that wait the drain may take {drain - (needed - FARGATE_LONGEST_STOP_SECONDS):g} seconds."
        )
    needed = api_stop_seconds(environment)
    if needed > FARGATE_LONGEST_STOP_SECONDS:
        raise StackError(
            f"ENQUEUE_TIMEOUT_SECONDS lets the API take {needed} seconds to stop, and Fargate kills it after"
            f" {FARGATE_LONGEST_STOP_SECONDS}."
        )


def _waits(environment: Mapping[str, str]) -> tuple[float, float]:
    settings = read_settings(ConsumerSettings, environment)
    return settings.sqs_wait_time_seconds, settings.drain_timeout_seconds
