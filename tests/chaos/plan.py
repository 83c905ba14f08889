"""Which faults come when: a pure function of the seed, the length of the run and what there is to break.

Four lanes run beside each other: processes, receiver, broker, foreign messages. Each goes through its deck, shuffled,
and then through a new one, so that a run that is long enough has every fault.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from random import Random
from typing import Literal

from tests.chaos.broker_proxy import Answer, BrokerFault

SignalName = Literal["SIGKILL", "SIGTERM", "SIGSTOP"]
Misbehaviour = Literal["500", "429", "hang", "close", "drip"]

CALM_SECONDS = 1.0
"""Nothing fails before."""


@dataclass(frozen=True, slots=True)
class Signalled:
    """The signal goes to these services together; SIGSTOP is undone by SIGCONT, others by their supervisor."""

    signal: SignalName
    services: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.signal} {' '.join(self.services)}"


@dataclass(frozen=True, slots=True)
class ReceiverStopped:
    """Nobody listens where the callbacks go."""

    def __str__(self) -> str:
        return "receiver stopped"


@dataclass(frozen=True, slots=True)
class ReceiverMisbehaves:
    """Every callback is answered so."""

    how: Misbehaviour

    def __str__(self) -> str:
        return f"receiver answers: {self.how}"


@dataclass(frozen=True, slots=True)
class SlackRateLimited:
    """Slack answers the next calls with 429."""

    calls: int

    def __str__(self) -> str:
        return f"Slack answers 429 to {self.calls} calls"


@dataclass(frozen=True, slots=True)
class ForeignMessages:
    """One of each kind of message that is none of ours (see foreign_messages.py) is sent to the queue."""

    queue: str

    def __str__(self) -> str:
        return f"foreign messages into {self.queue}"


Fault = Signalled | ReceiverStopped | ReceiverMisbehaves | SlackRateLimited | BrokerFault | ForeignMessages


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault, when it begins in seconds after the load's begin, and how long it lasts."""

    begins_at: float
    lasts: float
    fault: Fault

    def __str__(self) -> str:
        return f"{self.begins_at:6.1f} s  {f'{self.lasts:4.1f} s' if self.lasts else ' once '}  {self.fault}"


@dataclass(frozen=True, slots=True)
class Targets:
    """What there is to break."""

    workers: Sequence[Sequence[str]]
    """For each queue of a worker the names of its processes."""
    others: Sequence[str]
    """The services of which there is one."""
    queues: Sequence[str]
    """Those that something consumes."""
    visibility_timeout_seconds: float
    in_place_seconds: float
    """How long a refused callback is tried in place."""

    @property
    def services(self) -> list[str]:
        """Every process."""
        return [*(name for names in self.workers for name in names), *self.others]


# What can fail at all, and what can fail for one entry.
_OPERATIONS = ("SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")
_OUTRIGHT: tuple[Answer, ...] = ("error", "reset", "silence")
_OF_AN_ENTRY: tuple[Answer, ...] = ("entry refused", "entry unmentioned")
_BATCHES = ("SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")
# A silence shorter than the services' read timeout ends as a lost connection, a longer one as a timeout.
_SILENCE_SECONDS = (4.0, 14.0)

Card = tuple[Fault, float]
"""A fault, and how long it lasts in seconds."""


def make_plan(seed: int, seconds: float, targets: Targets) -> list[PlannedFault]:
    """Return the faults of a run, in order of their begin; the last one ends within `seconds`."""
    random = Random(seed)  # noqa: S311  # the point is to be repeatable
    planned = [fault for deck, gap in _LANES for fault in _lane(random, seconds, partial(deck, random, targets), gap)]
    return sorted(planned, key=lambda each: each.begins_at)


def _lane(
    random: Random, seconds: float, deal: Callable[[], list[Card]], gap: tuple[float, float]
) -> Iterator[PlannedFault]:
    """One fault after another, with gaps between, until the time is over."""
    now = CALM_SECONDS
    while True:
        cards = deal()
        random.shuffle(cards)
        for fault, lasts in cards:
            now += random.uniform(*gap)
            if now + lasts > seconds:
                return
            yield PlannedFault(round(now, 1), lasts, fault)
            now += lasts


def _process_deck(random: Random, targets: Targets) -> list[Card]:
    """Each signal to each service alone, one of two workers of each queue, and to several at once."""
    visibility = targets.visibility_timeout_seconds
    signals: list[tuple[SignalName, float]] = [
        ("SIGKILL", 0),
        ("SIGTERM", 0),
        ("SIGSTOP", round(visibility / 3, 1)),
        ("SIGSTOP", round(visibility * 1.4, 1)),
    ]
    cards: list[Card] = []
    for signal, lasts in signals:
        alone = [random.choice(names) for names in targets.workers] + list(targets.others)
        cards += [(Signalled(signal, (name,)), lasts) for name in alone]
        cards += [(Signalled(signal, tuple(sorted(_several(random, targets)))), lasts) for _ in range(2)]
    # The whole queue without a worker, for a moment.
    cards += [(Signalled("SIGKILL", tuple(names)), 0) for names in targets.workers]
    return cards


def _several(random: Random, targets: Targets) -> list[str]:
    return random.sample(targets.services, random.randint(2, 4))


def _receiver_deck(random: Random, targets: Targets) -> list[Card]:
    """Down for longer than a callback is tried in place, and each way to misbehave."""
    down = round(targets.in_place_seconds + random.uniform(3, 6), 1)
    ways: tuple[Misbehaviour, ...] = ("500", "429", "hang", "close", "drip")
    return [
        (ReceiverStopped(), down),
        *((ReceiverMisbehaves(how), round(random.uniform(3, 6), 1)) for how in ways),
        (SlackRateLimited(calls=random.randint(2, 5)), 0),
    ]


def _broker_deck(random: Random, _targets: Targets) -> list[Card]:
    """Each operation fails in each way, before it is done and after; and all of them together."""
    failures: list[tuple[Answer, bool, str]] = [
        *(("throttled", False, operation) for operation in _OPERATIONS),
        *product(_OUTRIGHT, (False, True), _OPERATIONS),
        *product(_OF_AN_ENTRY, (False, True), _BATCHES),
        *product(_OUTRIGHT, (False,), ("*",)),
    ]
    return [_broken_call(random, *failure) for failure in failures]


def _broken_call(random: Random, answer: Answer, done: bool, operation: str) -> Card:  # noqa: FBT001  # a row of the deck
    share = random.choice((0.3, 0.7, 1.0))
    lasts = random.choice(_SILENCE_SECONDS) if answer == "silence" else round(random.uniform(2, 5), 1)
    return BrokerFault(operation, answer, done, share), lasts


def _foreign_deck(_random: Random, targets: Targets) -> list[Card]:
    return [(ForeignMessages(queue), 0) for queue in targets.queues]


# Each with the shortest and the longest gap between its faults, in seconds.
_LANES: Sequence[tuple[Callable[[Random, Targets], list[Card]], tuple[float, float]]] = (
    (_process_deck, (1.5, 3.5)),
    (_receiver_deck, (3, 7)),
    (_broker_deck, (1, 3)),
    (_foreign_deck, (4, 8)),
)
