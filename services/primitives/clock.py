"""Time as SQS counts it: what passes while this machine, or this process, is suspended has passed too."""

import time
from typing import NamedTuple

# Linux's monotonic clock stands still while the machine is suspended and this one goes on (clock_gettime(2)); macOS has
# none of that name, and its CLOCK_MONOTONIC goes on (clock_gettime(3) there).
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Moment(NamedTuple):
    """A point in time, in seconds by two clocks of unlike beginnings."""

    since_boot: float
    wall: float


def now() -> Moment:
    """Return the moment that it is."""
    return Moment(time.clock_gettime(_BOOT_CLOCK), time.time())


def seconds_between(earlier: Moment, later: Moment) -> float:
    """Return the seconds from one moment to another, by the clock that has counted more of them.

    A virtual machine, such as the one in which an engine's containers run on a Mac, does not know that its host was
    suspended, by none of its clocks, until its wall clock is put right. That may also be put back.
    """
    return max(later.since_boot - earlier.since_boot, later.wall - earlier.wall)
