"""What a run has measured: plain records, kept as JSON, and summed up over the repetitions."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.statistics import Spread
from stack.config import ROOT

KEPT = ROOT / "bench" / "results"
"""The results of the last whole runs, and their plots, as docs/performance.md shows them."""
BENCH_RESULTS, GROWTH_RESULTS = KEPT / "results.json", KEPT / "growth.json"
"""Of `make bench` and of `make bench-growth`."""
FUNCTIONS_RESULTS = KEPT / "functions.json"
"""Of `make bench-functions`."""

SCHEMA = 1
"""The version of the JSON's shape; a reader refuses another one."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One repetition of one step."""

    scenario: str
    """What was done, such as `worker`."""
    system: str
    """Which one did it, such as `Celery, 32 threads`."""
    case: str
    """What else was set, such as `64 connections`; empty where a scenario has one case."""
    repetition: int
    figures: Mapping[str, float]
    """By name, which says the unit: `tasks_per_second`, `idle_p50_ms`, `cpu_s_per_1000.worker`."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where, when and on what it was measured."""

    date: str
    """UTC, ISO 8601."""
    commit: str
    machine: str
    versions: Mapping[str, str]
    seconds: float
    """How long the whole took."""


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run."""

    surroundings: Surroundings
    measurements: tuple[Measurement, ...]

    def of(self, scenario: str) -> "Summary":
        """Return the figures of a scenario."""
        return Summary(self.measurements, scenario)

    def save(self, path: Path) -> None:
        """Write them as JSON, a line for each measurement."""
        head = {"schema": SCHEMA, "surroundings": asdict(self.surroundings)}
        lines = ",\n".join(json.dumps(_rounded(measurement)) for measurement in self.measurements)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{json.dumps(head)[:-1]}, "measurements": [\n{lines}\n]}}\n')

    @classmethod
    def load(cls, path: Path) -> "Results":
        """Read what `save` has written. Raises ValueError where it is of another schema."""
        document = json.loads(path.read_text())
        if document["schema"] != SCHEMA:
            raise ValueError(f"{path} has schema {document['schema']}, this program reads {SCHEMA}: measure anew")
        measurements = tuple(Measurement(**measurement) for measurement in document["measurements"])
        return cls(Surroundings(**document["surroundings"]), measurements)


class Summary:
    """The figures of a scenario, of all repetitions together."""

    def __init__(self, measurements: Iterable[Measurement], scenario: str) -> None:
        self._values: dict[tuple[str, str, str], dict[int, float]] = {}
        for each in measurements:
            for figure, value in each.figures.items() if each.scenario == scenario else ():
                self._values.setdefault((each.system, each.case, figure), {})[each.repetition] = value

    def spread(self, system: str, figure: str, case: str = "") -> Spread | None:
        """Return the spread of a figure; None where it was not measured."""
        values = self._values.get((system, case, figure))
        return Spread.of(list(values.values())) if values else None

    def median(self, system: str, figure: str, case: str = "") -> float | None:
        """Return the median of a figure; None where it was not measured."""
        spread = self.spread(system, figure, case)
        return spread.median if spread else None

    def ratio(self, system: str, other: str, figure: str, case: str = "") -> float | None:
        """Return the median of `ratios`; None where there are none."""
        ratios = self.ratios(system, other, figure, case)
        return ratios.median if ratios else None

    def ratios(self, system: str, other: str, figure: str, case: str = "") -> Spread | None:
        """Return the spread of a figure's ratios between two systems, repetition by repetition.

        A machine that others share has fast and slow minutes: what was measured within one is compared. None where
        there is no such repetition.
        """
        own, others = (self._values.get((each, case, figure), {}) for each in (system, other))
        ratios = [own[repetition] / others[repetition] for repetition in own.keys() & others.keys()]
        return Spread.of(ratios) if ratios else None

    def systems(self) -> list[str]:
        """Return the systems, in the order in which they were measured first."""
        return list(dict.fromkeys(system for system, _, _ in self._values))

    def cases(self) -> list[str]:
        """Return the cases, in the order in which they were measured first."""
        return list(dict.fromkeys(case for _, case, _ in self._values))

    def figures(self, prefix: str) -> list[str]:
        """Return the names of the figures that begin so, sorted."""
        return sorted({name for _, _, name in self._values if name.startswith(prefix)})


def _rounded(measurement: Measurement) -> dict[str, object]:
    return {**asdict(measurement), "figures": {name: _as_kept(value) for name, value in measurement.figures.items()}}


def _as_kept(value: float) -> float:
    """Return five significant digits: what follows is noise, and so is the point of a whole number."""
    rounded = float(f"{value:.5g}")
    return int(rounded) if rounded.is_integer() else rounded
