"""The client: posts the tasks over the length of the run, repeats what was not answered 200, and notes every answer."""

import asyncio
import time
import uuid
from collections.abc import Sequence

import httpx

from tests.chaos.ledger import Ledger
from tests.chaos.submissions import Submission

TRIES = 6
_TIMEOUT_SECONDS = 8
_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 3.0


class Load:
    """Posts tasks at an even pace; a client that has fallen behind catches up."""

    def __init__(self, api_url: str, ledger: Ledger, concurrency: int, pause_seconds: float = _PAUSE_SECONDS) -> None:
        """`concurrency`: requests under way at a time."""
        self._api_url = api_url
        self._ledger = ledger
        self._pause_seconds = pause_seconds
        self._slots = asyncio.Semaphore(concurrency)

    async def run(self, submissions: Sequence[Submission], seconds: float) -> None:
        """Post all within so many seconds, or as soon after as the API takes them."""
        began = time.monotonic()
        pace = seconds / max(len(submissions), 1)
        async with (
            httpx.AsyncClient(base_url=self._api_url, timeout=_TIMEOUT_SECONDS, trust_env=False) as client,
            asyncio.TaskGroup() as group,
        ):
            for number, submission in enumerate(submissions):
                await asyncio.sleep(began + number * pace - time.monotonic())
                await self._slots.acquire()
                group.create_task(self._submit(client, submission))

    async def _submit(self, client: httpx.AsyncClient, submission: Submission) -> None:
        """Post the task until it is accepted, with the same key each time, as a careful client does."""
        key = str(uuid.uuid4())
        try:
            for attempt in range(TRIES):
                if task_id := await self._post(client, submission, key):
                    self._ledger.promise(task_id, submission, time.time(), posts=attempt + 1)
                    return
                await asyncio.sleep(min(self._pause_seconds * 2**attempt, _LONGEST_PAUSE_SECONDS))
            self._ledger.refused += 1
        finally:
            self._slots.release()

    async def _post(self, client: httpx.AsyncClient, submission: Submission, key: str) -> str | None:
        """Return the id of the task where it is accepted."""
        try:
            response = await client.post(
                submission.work.route, json=submission.request, headers={"Idempotency-Key": key}
            )
        except httpx.TransportError as error:
            self._ledger.answers[type(error).__name__] += 1
            return None
        self._ledger.answers[str(response.status_code)] += 1
        return str(response.json()["task_id"]) if response.status_code == httpx.codes.OK else None
