"""The faults of a stack of processes: four lanes, of its processes, the receiver, the broker and foreign messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from tests.chaos.broker_proxy import Answer, BrokerFault
from tests.chaos.faults import Signalled, SignalName
from tests.chaos.plan import Card, Lane, foreign_lane, receiver_lane

# What can fail at all, and what can fail for one entry.
_OPERATIONS = ("SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")
_OUTRIGHT: tuple[Answer, ...] = ("error", "reset", "silence")
_OF_AN_ENTRY: tuple[Answer, ...] = ("entry refused", "entry unmentioned")
_BATCHES = ("SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")
# A silence shorter than the services' read timeout ends as a lost connection, a longer one as a timeout.
_SILENCE_SECONDS = (4.0, 14.0)


@dataclass(frozen=True, slots=True)
class ProcessTargets:
    """What there is to break in a stack of processes."""

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

    @property
    def lanes(self) -> Sequence[Lane]:
        """All faults that can be."""
        return [
            Lane(self._processes, (1.5, 3.5)),
            receiver_lane(self.in_place_seconds),
            Lane(_broker, (1, 3)),
            foreign_lane(self.queues),
        ]

    def _processes(self, random: Random) -> list[Card]:
        """Each signal to each service alone, one of two workers of each queue, and to several at once."""
        visibility = self.visibility_timeout_seconds
        signals: list[tuple[SignalName, float]] = [
            ("SIGKILL", 0),
            ("SIGTERM", 0),
            ("SIGSTOP", round(visibility / 3, 1)),
            ("SIGSTOP", round(visibility * 1.4, 1)),
        ]
        cards: list[Card] = []
        for signal, lasts in signals:
            alone = [random.choice(names) for names in self.workers] + list(self.others)
            cards += [(Signalled(signal, (name,)), lasts) for name in alone]
            cards += [(Signalled(signal, tuple(sorted(self._several(random)))), lasts) for _ in range(2)]
        # The whole queue without a worker, for a moment.
        cards += [(Signalled("SIGKILL", tuple(names)), 0) for names in self.workers]
        return cards

    def _several(self, random: Random) -> list[str]:
        return random.sample(self.services, random.randint(2, 4))


def _broker(random: Random) -> list[Card]:
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
