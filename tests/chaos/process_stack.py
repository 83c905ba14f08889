"""A stack of processes under test: two for each queue of a worker, and a proxy between them and LocalStack."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from configparser import RawConfigParser
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from typing_extensions import override

from stack.native.stack import NATIVE
from stack.ports import free_port
from stack.status import API, DLQ_WATCHER, RECEIVER
from tests.chaos.broker_proxy import BrokerFault, BrokerProxy
from tests.chaos.chaos_stack import (
    IN_PLACE_RETRY_SECONDS,
    VISIBILITY_TIMEOUT_SECONDS,
    ChaosStack,
    consumed_queues,
    send_signal,
    workers,
)
from tests.chaos.faults import Fault, Signalled, SignalName
from tests.chaos.process_plan import ProcessTargets
from tests.chaos.submissions import KINDS


def _second(worker: str) -> str:
    return f"{worker}-2"


class ProcessStack(ChaosStack):
    """Its processes are signalled one by one."""

    runs_as = "native"
    commands = NATIVE
    kinds = KINDS
    client_concurrency = 32
    # A send that was done, and whose answer the proxy withholds, is repeated.
    sends_once = False
    alert_logs = (DLQ_WATCHER,)

    def __init__(self, directory: Path, random: Random) -> None:
        super().__init__(directory, random)
        self._proxy = BrokerProxy(self.broker_url, random)

    @staticmethod
    @override
    def targets() -> ProcessTargets:
        return ProcessTargets(
            workers=[(worker, _second(worker)) for worker in workers()],
            others=(DLQ_WATCHER, API, RECEIVER),
            queues=consumed_queues(),
            visibility_timeout_seconds=VISIBILITY_TIMEOUT_SECONDS,
            in_place_seconds=sum(IN_PLACE_RETRY_SECONDS),
        )

    @property
    @override
    def figures(self) -> Mapping[str, str]:
        return {"broker calls made to fail": f"{self._proxy.failed.total()}"}

    @asynccontextmanager
    @override
    async def surroundings(self) -> AsyncIterator[None]:
        async with self._proxy.serve() as url:
            self._environment["LOCALSTACK_URL_FOR_SERVICES"] = url
            yield

    @override
    def start_all(self) -> None:
        self.up()
        self._add_second_workers()

    @override
    def remove(self) -> None:
        """Stop everything; the second workers first, of which `down` knows nothing."""
        if self._supervisor.is_running():
            self._supervisor.stop(_second(worker) for worker in workers())
        super().remove()

    @asynccontextmanager
    @override
    async def broken(self, fault: Fault) -> AsyncIterator[None]:
        match fault:
            case BrokerFault():
                with self._proxy.failing(fault):
                    yield
            case Signalled():
                reached = await asyncio.to_thread(self._send_signal, fault.services, fault.signal)
                try:
                    yield
                finally:
                    if fault.signal == "SIGSTOP":
                        for pid in reached:
                            send_signal(pid, signal.SIGCONT)
            case _:
                raise TypeError(f"no fault of a stack of processes: {fault}")

    def _send_signal(self, services: Iterable[str], name: SignalName) -> list[int]:
        """Send the signal to those of the services that run; return their process ids."""
        pids = {process.name: process.pid for process in self._supervisor.processes() if process.pid}
        reached = [pids[service] for service in services if service in pids]
        for pid in reached:
            send_signal(pid, signal.Signals[name])
        return reached

    def _add_second_workers(self) -> None:
        """Give supervisord a second program like each worker, with a port of its own for its health."""
        file = self.directory / "supervisord.conf"
        planned, added = RawConfigParser(), RawConfigParser()
        planned.read(file)
        for worker in workers():
            program = dict(planned[f"program:{worker}"])
            program["environment"] = re.sub(r'(?<=HEALTH_PORT=")\d+', str(free_port()), program["environment"])
            program["stdout_logfile"] = f"logs/{_second(worker)}.log"
            added[f"program:{_second(worker)}"] = program
        with file.open("a") as stream:
            added.write(stream)
        names = [_second(worker) for worker in workers()]
        control = [sys.executable, "-m", "supervisor.supervisorctl", "-s", self._supervisor.url]
        self._run(*control, "update", *names)
        self._supervisor.start(names)
