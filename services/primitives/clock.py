"""Time as SQS counts it: what passes while this machine, or this process, is suspended has passed too."""

import time
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

# Linux's monotonic clock stands still while the machine is suspended and this one goes on (clock_gettime(2)); macOS has
# none of that name, and its CLOCK_MONOTONIC goes on (clock_gettime(3) there).
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Moment(NamedTuple):
    """A point in time, in seconds by two clocks of unlike beginnings."""

    since_boot: float
    wall: float


Clock: TypeAlias = Callable[[], Moment]
"""Tells what moment it is."""


def this_moment() -> Moment:
    """Return the moment that it is, by this machine's clocks."""
    return Moment(time.clock_gettime(_BOOT_CLOCK), time.time())


def seconds_between(earlier: Moment, later: Moment) -> float:
    """Return the seconds from one moment to another, by the clock that has counted more of them.

    A virtual machine, such as the one in which an engine's containers run on a Mac, does not know that its host was
    suspended, by none of its clocks, until its wall clock is put right. That may also be put back.
    """
    return max(later.since_boot - earlier.since_boot, later.wall - earlier.wall)
