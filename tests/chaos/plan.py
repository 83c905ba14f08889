"""Which faults come when: a pure function of the seed, the length of the run and what there is to break.

Lanes run beside each other. Each goes through its deck, shuffled, and then through a new one, so that a run that is
long enough has every fault.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from tests.chaos.faults import (
    Fault,
    ForeignMessages,
    Misbehaviour,
    ReceiverMisbehaves,
    ReceiverStopped,
    SlackRateLimited,
)

CALM_SECONDS = 1.0
"""Nothing fails before."""


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault, when it begins in seconds after the load's begin, and how long it lasts."""

    begins_at: float
    lasts: float
    fault: Fault

    def __str__(self) -> str:
        return f"{self.begins_at:6.1f} s  {f'{self.lasts:4.1f} s' if self.lasts else ' once '}  {self.fault}"


Card = tuple[Fault, float]
"""A fault, and how long it lasts in seconds."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Faults of one kind, one after the other."""

    deal: Callable[[Random], list[Card]]
    """Gives a new deck."""
    gap_seconds: tuple[float, float]
    """The shortest and the longest time between two of them."""


class Targets(Protocol):
    """What there is to break."""

    @property
    def lanes(self) -> Sequence[Lane]:
        """All faults that can be."""


def make_plan(seed: int, seconds: float, targets: Targets) -> list[PlannedFault]:
    """Return the faults of a run, in order of their begin; the last one ends within `seconds`."""
    random = Random(seed)  # noqa: S311  # the point is to be repeatable
    planned = [fault for lane in targets.lanes for fault in _faults_of(lane, random, seconds)]
    return sorted(planned, key=lambda each: each.begins_at)


def _faults_of(lane: Lane, random: Random, seconds: float) -> Iterator[PlannedFault]:
    """One fault after another, with gaps between, until the time is over."""
    now = CALM_SECONDS
    while True:
        cards = lane.deal(random)
        random.shuffle(cards)
        for fault, lasts in cards:
            now += random.uniform(*lane.gap_seconds)
            if now + lasts > seconds:
                return
            yield PlannedFault(round(now, 1), lasts, fault)
            now += lasts


def receiver_lane(in_place_seconds: float) -> Lane:
    """Return the receiver's faults: down for longer than a callback is tried in place, and each way to misbehave."""

    def deal(random: Random) -> list[Card]:
        down = round(in_place_seconds + random.uniform(3, 6), 1)
        ways: tuple[Misbehaviour, ...] = ("500", "429", "hang", "close", "drip")
        return [
            (ReceiverStopped(), down),
            *((ReceiverMisbehaves(how), round(random.uniform(3, 6), 1)) for how in ways),
            (SlackRateLimited(calls=random.randint(2, 5)), 0),
        ]

    return Lane(deal, (3, 7))


def foreign_lane(queues: Sequence[str]) -> Lane:
    """Return foreign messages into each of the queues."""
    return Lane(lambda _random: [(ForeignMessages(queue), 0) for queue in queues], (4, 8))
