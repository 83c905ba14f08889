"""Calls on SQS that are made again where they fail."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from services.queueing.errors import SqsEntryError, UnusableBrokerError
from services.queueing.timing import jittered
from services.telemetry import log_events

log = structlog.get_logger(__name__)

SQS_RETRY_WAITS_SECONDS: Sequence[float] = (0.5, 1, 2, 4, 8, 8, 8, 8, 8, 8)
"""About a minute: so long a broker may be gone without work that is done being done again, or reported as lost."""

ResultT = TypeVar("ResultT")


async def retry_sqs(
    call: Callable[[], Awaitable[ResultT]],
    waits_seconds: Sequence[float] = SQS_RETRY_WAITS_SECONDS,
    *,
    deadline: float | None = None,
) -> ResultT:
    """Try a call on SQS a few times: a moment's failure there must not make work that is done run again.

    No wait goes beyond the deadline, a time of the loop's clock. Raises what the last try raised, at once where SQS
    will refuse the same whenever it is asked, or says as little.
    """
    for wait_seconds in waits_seconds:
        try:
            return await call()
        except Exception as error:
            wait = jittered(wait_seconds, random.random())  # noqa: S311  # jitter
            if _is_final(error) or (deadline is not None and asyncio.get_running_loop().time() + wait > deadline):
                raise
            log.warning(log_events.SQS_CALL_FAILED, error=repr(error))
        await asyncio.sleep(wait)
    return await call()


def _is_final(error: Exception) -> bool:
    return isinstance(error, UnusableBrokerError) or (isinstance(error, SqsEntryError) and error.is_final)
