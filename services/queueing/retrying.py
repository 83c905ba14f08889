"""Calls on SQS that are made again where they fail."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from services.queueing.decisions import jittered
from services.queueing.errors import SqsEntryError
from services.telemetry import log_events

log = structlog.get_logger(__name__)

# About a minute: so long a broker may be gone without work that is done being done again, or reported as lost.
_WAITS_SECONDS = (0.5, 1, 2, 4, 8, 8, 8, 8, 8, 8)

ResultT = TypeVar("ResultT")


async def insistently(call: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Try a call on SQS a few times: a moment's failure there must not make work that is done run again.

    Raises what the last try raised, at once where SQS will refuse the same whenever it is asked.
    """
    for wait_seconds in _WAITS_SECONDS:
        try:
            return await call()
        except Exception as error:
            if isinstance(error, SqsEntryError) and error.is_final:
                raise
            log.warning(log_events.SQS_CALL_FAILED, error=repr(error))
            await asyncio.sleep(jittered(wait_seconds, random.random()))  # noqa: S311  # jitter
    return await call()
