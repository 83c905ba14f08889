"""A stack of functions under test: their processes die, nothing triggers them, and LocalStack is silent."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from typing_extensions import override

from services.queues import ALERTS
from stack.functions.workforce import FUNCTIONS, STACK
from stack.status import API, DLQ_WATCHER, LOCALSTACK
from tests.chaos.chaos_stack import (
    IN_PLACE_RETRY_SECONDS,
    VISIBILITY_TIMEOUT_SECONDS,
    ChaosStack,
    consumed_queues,
    send_signal,
    workers,
)
from tests.chaos.evidence import count_lines
from tests.chaos.faults import (
    Fault,
    FunctionKeepsDying,
    FunctionKilledAtWork,
    FunctionsKilled,
    LocalStackPaused,
    TriggersOff,
)
from tests.chaos.function_plan import FunctionTargets
from tests.chaos.submissions import KINDS, LETHAL_KINDS

_LOOK_SECONDS = 0.05
# So that a worker's process is killed in the middle of a batch as often as between two.
_TASK_DELAY_SECONDS = "0.3"


class FunctionStack(ChaosStack):
    """The processes of its functions are begun by LocalStack, and found among all of this machine."""

    runs_as = "lambda"
    commands = FUNCTIONS
    kinds = (*KINDS, *LETHAL_KINDS)
    # LocalStack begins another process of the API for each.
    client_concurrency = 4
    sends_once = True
    alert_logs = (f"{STACK}-{DLQ_WATCHER}", f"{STACK}-{ALERTS}")

    def __init__(self, directory: Path, random: Random) -> None:
        super().__init__(directory, random, {"TASK_DELAY_SECONDS": _TASK_DELAY_SECONDS})
        self._killed = 0

    @staticmethod
    @override
    def targets() -> FunctionTargets:
        return FunctionTargets(
            triggered=(*workers(), DLQ_WATCHER, ALERTS),
            others=(API,),
            queues=consumed_queues(),
            visibility_timeout_seconds=VISIBILITY_TIMEOUT_SECONDS,
            in_place_seconds=sum(IN_PLACE_RETRY_SECONDS),
        )

    @property
    @override
    def figures(self) -> Mapping[str, str]:
        lost = count_lines(self.log_directory, f"{STACK}-*.log*", '"event": "function ended"')
        return {"processes killed": f"{self._killed}", "invocations that lost their process": f"{lost}"}

    @asynccontextmanager
    @override
    async def surroundings(self) -> AsyncIterator[None]:
        yield

    @override
    def start_all(self) -> None:
        """Start everything; what is lost with a process is to come back within the run, as with any other stack.

        By the template a message is hidden for six times its function's timeout, which is meant for days, not minutes.
        """
        self.up()
        sqs = self.aws("sqs")
        for url in sqs.list_queues()["QueueUrls"]:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(VISIBILITY_TIMEOUT_SECONDS)})

    @asynccontextmanager
    @override
    async def broken(self, fault: Fault) -> AsyncIterator[None]:
        match fault:
            case FunctionsKilled(functions):
                for function in functions:
                    await asyncio.to_thread(self._kill_processes, function)
                yield
            case FunctionKilledAtWork(function):
                async with _going_on(self._kill_at_work(function)):
                    yield
            case FunctionKeepsDying(function):
                async with _going_on(self._keep_killing(function)):
                    yield
            case TriggersOff(function):
                await asyncio.to_thread(self.trigger, function, on=False)
                try:
                    yield
                finally:
                    await asyncio.to_thread(self._trigger_again, function)
            case LocalStackPaused():
                pid = self.pid(LOCALSTACK)
                send_signal(pid, signal.SIGSTOP)
                try:
                    yield
                finally:
                    send_signal(pid, signal.SIGCONT)
            case _:
                raise TypeError(f"no fault of a stack of functions: {fault}")

    def _trigger_again(self, function: str) -> None:
        # AWS refuses it while the last batch is worked, and LocalStack would work two at a time.
        while self.is_triggered(function):
            time.sleep(_LOOK_SECONDS)
        self.trigger(function, on=True)

    async def _keep_killing(self, function: str) -> None:
        while True:
            await asyncio.to_thread(self._kill_processes, function)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _kill_at_work(self, function: str) -> None:
        before: dict[int, int] = {}
        at_rest: set[int] = set()
        while True:
            used = await asyncio.to_thread(self._cpu_nanoseconds, function)
            for pid, nanoseconds in used.items():
                if nanoseconds == before.get(pid):
                    at_rest.add(pid)
                elif pid in at_rest:
                    self._kill(pid)
            before = used
            await asyncio.sleep(_LOOK_SECONDS)

    def _cpu_nanoseconds(self, function: str) -> dict[int, int]:
        """How much of a processor each process of the function has had.

        https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
        """
        used = {}
        for pid in self.function_pids(function):
            with suppress(OSError):
                used[pid] = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        return used

    def _kill_processes(self, function: str) -> None:
        for pid in self.function_pids(function):
            self._kill(pid)

    def _kill(self, pid: int) -> None:
        send_signal(pid, signal.SIGKILL)
        self._killed += 1


@asynccontextmanager
async def _going_on(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do it for as long as the block lasts."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
