"""The faults of a stack of functions: four lanes, of their processes, the receiver, LocalStack and foreign messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.chaos.faults import FunctionKeepsDying, FunctionKilledAtWork, FunctionsKilled, LocalStackPaused, TriggersOff
from tests.chaos.plan import Card, Lane, foreign_lane, receiver_lane


@dataclass(frozen=True, slots=True)
class FunctionTargets:
    """What there is to break in a stack of functions."""

    triggered: Sequence[str]
    """The functions that queues trigger."""
    others: Sequence[str]
    """Those that are called in another way."""
    queues: Sequence[str]
    """Those that something consumes."""
    visibility_timeout_seconds: float
    in_place_seconds: float
    """How long a refused callback is tried in place."""

    @property
    def functions(self) -> list[str]:
        """Every function."""
        return [*self.triggered, *self.others]

    @property
    def lanes(self) -> Sequence[Lane]:
        """All faults that can be."""
        return [
            # A process that was killed costs the CPU of a start.
            Lane(self._processes, (0.5, 1.5)),
            receiver_lane(self.in_place_seconds),
            Lane(self._localstack, (2, 5)),
            foreign_lane(self.queues),
        ]

    def _processes(self, random: Random) -> list[Card]:
        """Each function loses its processes at work and in their INIT, and several lose all that they have at once."""
        several = [tuple(sorted(random.sample(self.functions, random.randint(2, 4)))) for _ in range(4)]
        return [
            *((FunctionKilledAtWork(name), round(random.uniform(2, 5), 1)) for name in self.functions),
            *((FunctionKeepsDying(name), round(random.uniform(1, 3), 1)) for name in self.functions),
            *((FunctionsKilled(names), 0) for names in several),
        ]

    def _localstack(self, random: Random) -> list[Card]:
        """Nothing triggers a function; LocalStack is silent, for less and for more than a message is hidden."""
        visibility = self.visibility_timeout_seconds
        return [
            *((TriggersOff(name), round(random.uniform(1, 5), 1)) for name in self.triggered),
            *((LocalStackPaused(), round(visibility * part, 1)) for part in (1 / 3, 1 / 3, 1.4)),
        ]
