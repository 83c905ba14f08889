"""Keeps a receiver that does not answer from taking every slot of a process."""

import asyncio
from dataclasses import dataclass

# Who waits here holds a slot of the process. A receiver that takes a second to answer is not to be refused for it;
# one that has its share and has answered nothing for so long is not waited for at all.
_LONGEST_WAIT_SECONDS = 2.0
# That many unresponsive hosts are remembered at the most.
_MOST_HOSTS = 10_000


class HostBusyError(Exception):
    """The host has its share of the process's slots, and did not give one back in time."""


@dataclass(eq=False, slots=True)
class _Host:
    slots: asyncio.Semaphore
    users: int = 0
    """Those that wait for a slot or have one."""
    in_flight: int = 0
    changed_at: float = 0
    """When a request to it last began or ended, by the loop's clock."""
    unresponsive: bool = False


class HostSlots:
    """Bounds the requests under way to each host (a bulkhead).

    A host whose last request timed out is unresponsive: it is asked by one request at a time until one is answered,
    and the others are refused at once.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._hosts: dict[str, _Host] = {}

    def slot(self, name: str) -> "HostSlot":
        """Hold one of the host's slots inside the block; a TimeoutError that leaves it makes the host unresponsive.

        To enter it raises HostBusyError where none is to be had soon.
        """
        return HostSlot(self, name)

    def host(self, name: str) -> _Host:
        """Return the host, and remember it while somebody uses it."""
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host(asyncio.Semaphore(self._limit))
        host.users += 1
        return host

    def leave(self, name: str, host: _Host) -> None:
        """Use the host no more."""
        host.users -= 1
        if not host.users and (not host.unresponsive or len(self._hosts) > _MOST_HOSTS):
            del self._hosts[name]


class HostSlot:
    """A block in which a slot of a host is held. It is no generator, as each callback would pay for it."""

    __slots__ = ("_host", "_hosts", "_name")

    def __init__(self, hosts: HostSlots, name: str) -> None:
        self._hosts = hosts
        self._name = name

    async def __aenter__(self) -> None:
        self._host = self._hosts.host(self._name)
        try:
            await _enter(self._host)
        except BaseException:
            self._hosts.leave(self._name, self._host)
            raise

    async def __aexit__(self, kind: type[BaseException] | None, _error: object, _traceback: object) -> None:
        host = self._host
        # A refusal is an answer too, and costs no slot its time; what was cancelled says nothing of its host.
        if kind is None or issubclass(kind, Exception):
            host.unresponsive = kind is not None and issubclass(kind, TimeoutError)
        _count(host, -1)
        host.slots.release()
        self._hosts.leave(self._name, host)


async def _enter(host: _Host) -> None:
    _refuse_if_unresponsive(host)
    if host.slots.locked():
        await _wait_for_slot(host)
    else:
        await host.slots.acquire()
    try:
        _refuse_if_unresponsive(host)
    except HostBusyError:
        host.slots.release()
        raise
    _count(host, +1)


async def _wait_for_slot(host: _Host) -> None:
    silent_seconds = asyncio.get_running_loop().time() - host.changed_at
    try:
        async with asyncio.timeout(0 if silent_seconds > _LONGEST_WAIT_SECONDS else _LONGEST_WAIT_SECONDS):
            await host.slots.acquire()
    except TimeoutError:
        raise HostBusyError(f"its answers to {host.in_flight} other callbacks are awaited") from None


def _count(host: _Host, change: int) -> None:
    host.in_flight += change
    host.changed_at = asyncio.get_running_loop().time()


def _refuse_if_unresponsive(host: _Host) -> None:
    if host.unresponsive and host.in_flight:
        raise HostBusyError("it did not answer the callbacks before this one in time")
