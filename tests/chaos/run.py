"""One run: the stack comes up, load and faults go on beside each other, everything settles, the evidence is read."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Lock

from tests.chaos.chaos_stack import TASK_TIMEOUT_SECONDS, ChaosStack
from tests.chaos.evidence import (
    Delivery,
    Evidence,
    read_deliveries,
    read_logged_alerts,
    read_slack_messages,
)
from tests.chaos.ledger import Ledger
from tests.chaos.load import Load
from tests.chaos.plan import make_plan
from tests.chaos.progress import Progress
from tests.chaos.reconciliation import outstanding
from tests.chaos.saboteur import Saboteur
from tests.chaos.submissions import Addresses, make_submissions

SETTLE_SECONDS = 240
"""How long everything may take to come to rest after the last fault: more than all schedules of the run together."""

_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How long, how much, and which faults."""

    tasks: int
    seconds: float
    seed: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a run leaves behind."""

    ledger: Ledger
    evidence: Evidence
    figures: Mapping[str, str]
    """How often such a stack was broken in its own ways."""
    settled_after_seconds: float


@dataclass
class _Inbox:
    """The receiver's inbox, read as it grows."""

    database: Path
    deliveries: list[Delivery] = field(default_factory=list)
    _reading: Lock = field(default_factory=Lock)

    def refresh(self) -> None:
        with self._reading:
            last = self.deliveries[-1].id if self.deliveries else 0
            self.deliveries += read_deliveries(self.database, last)

    def heard(self, ledger: Ledger) -> int:
        taken = {delivery.task_id for delivery in self.deliveries if delivery.was_taken}
        return len(ledger.promises.keys() & taken)


async def run(options: Options, stack_class: type[ChaosStack], directory: Path, progress: Progress) -> Result:
    """Run in the directory, which keeps the logs. The stack is down again when this returns or raises."""
    stack = stack_class(directory, Random(options.seed))  # noqa: S311  # the point is to be repeatable
    async with stack.surroundings(), _running(stack, progress):
        return await _Run(options, stack, progress).result()


class _Run:
    """What goes on while the stack runs."""

    def __init__(self, options: Options, stack: ChaosStack, progress: Progress) -> None:
        self._options = options
        self._stack = stack
        self._progress = progress
        self._ledger = Ledger()
        self._inbox = _Inbox(stack.database)

    async def result(self) -> Result:
        """Put load on the stack and break it, and return what there is to see when all has come to rest."""
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            await self._load_and_faults()
            self._progress.say("no more faults: everything settles")
            began = time.monotonic()
            evidence = await self._settle(deadline=began + SETTLE_SECONDS)
            watching.cancel()
        return Result(self._ledger, evidence, self._stack.figures, time.monotonic() - began)

    async def _load_and_faults(self) -> None:
        options, receiver_url = self._options, self._stack.receiver_url_for_services
        load = Load(self._stack.api_url, self._ledger, self._stack.client_concurrency)
        saboteur = Saboteur(self._stack, self._ledger, lambda fault: self._progress.say(str(fault)))
        with _unreachable_url() as unreachable_url:
            addresses = Addresses(receiver_url, unreachable_url, TASK_TIMEOUT_SECONDS)
            submissions = make_submissions(options.seed, options.tasks, addresses, self._stack.kinds)
            plan = make_plan(options.seed, options.seconds, self._stack.targets())
            async with asyncio.TaskGroup() as group:
                group.create_task(load.run(submissions, options.seconds))
                group.create_task(saboteur.run(plan))

    async def _watch(self) -> None:
        while True:
            await asyncio.to_thread(self._inbox.refresh)
            self._progress.count(len(self._ledger.promises), self._inbox.heard(self._ledger))
            await asyncio.sleep(_POLL_SECONDS)

    async def _settle(self, deadline: float) -> Evidence:
        """Wait until nothing is outstanding and every service is healthy, or it has taken too long."""
        said = ""
        while True:
            evidence = await asyncio.to_thread(_gather, self._stack, self._inbox)
            left = outstanding(self._ledger, evidence)
            if (not left and not evidence.unhealthy) or time.monotonic() > deadline:
                return evidence
            waiting_for = ", ".join([f"{left} outstanding", *(f"{name} unhealthy" for name in evidence.unhealthy)])
            if waiting_for != said:
                self._progress.say(waiting_for)
            said = waiting_for
            await asyncio.sleep(_POLL_SECONDS)


def _gather(stack: ChaosStack, inbox: _Inbox) -> Evidence:
    # The queues first: what leaves them after that is in the inbox, or in `undelivered` at the next look.
    queued = stack.read_queues()
    inbox.refresh()
    return Evidence(
        deliveries=inbox.deliveries,
        slack_messages=read_slack_messages(stack.database),
        logged_alerts=read_logged_alerts(stack.log_directory, stack.alert_logs),
        queued=queued,
        unhealthy=stack.unhealthy(),
    )


@asynccontextmanager
async def _running(stack: ChaosStack, progress: Progress) -> AsyncIterator[None]:
    try:
        await asyncio.to_thread(stack.start_all)
        yield
    finally:
        progress.say("stopping the stack")
        await asyncio.to_thread(stack.remove)


@contextmanager
def _unreachable_url() -> Iterator[str]:
    """The URL of a port that is taken, so that nobody else gets it, and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/callback"
