"""What it costs a worker to measure itself: the same drain with metrics and without, in turn."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.lab import Lab
from bench.loads import Figures, drain
from bench.results import Results
from bench.statistics import Spread
from bench.steps import Step
from bench.systems import PROJECT, SETTINGS
from bench.tables import Table, number
from bench.targets import Target

METRICS = "metrics"

UNMEASURED = replace(PROJECT, name="METRICS_ENABLED=false", settings={**SETTINGS, "METRICS_ENABLED": "false"})

_LEAST_SHARE = 0.95

Pair = tuple[Figures, Figures]
"""A drain with metrics, and the one without beside it."""


def overhead_steps(*, quick: bool) -> Sequence[Step]:
    """Return the one step. It repeats itself: what is compared is measured within seconds, by workers that stay."""
    tasks, pairs = (400, 2) if quick else (1500, 6)

    def measure(lab: Lab) -> Figures:
        with lab.running(PROJECT) as measured, lab.running(UNMEASURED) as unmeasured:
            drained: list[Pair] = []
            for number_of_pair in range(pairs):
                # Neither always comes first.
                if number_of_pair % 2:
                    without = drain(unmeasured, tasks)
                    drained.append((drain(measured, tasks), without))
                else:
                    drained.append((drain(measured, tasks), drain(unmeasured, tasks)))
        return figures_of(drained)

    return [Step(METRICS, PROJECT.name, "", measure, once=True)]


def figures_of(pairs: Sequence[Pair]) -> Figures:
    """Return the medians of both kinds, and that of the ratios within a pair."""
    ratios = Spread.of([measured["tasks_per_second"] / without["tasks_per_second"] for measured, without in pairs])
    figures = {"share": ratios.median, "share_least": ratios.least, "share_most": ratios.most}
    for kind, drains in zip(("with", "without"), zip(*pairs, strict=True), strict=True):
        for figure in ("tasks_per_second", "cpu_s_per_1000.worker"):
            figures[f"{kind}.{figure}"] = Spread.of([each[figure] for each in drains]).median
    return figures | {count: max(each[count] for pair in pairs for each in pair) for count in ("lost", "duplicated")}


def overhead_targets(results: Results) -> Iterator[Target]:
    """The target, where its figure was measured."""
    share = results.of(METRICS).median(PROJECT.name, "share")
    if share is not None:
        yield Target("worker drain with metrics, of that without", share, "≥", _LEAST_SHARE)


def overhead_tables(results: Results) -> Iterator[Table]:
    """The table, where it was measured."""
    summary = results.of(METRICS)
    values = {name: summary.median(PROJECT.name, name) for name in summary.figures("")}
    rows = [
        [
            name,
            *(number(values[f"{kind}.{figure}"] or 0) for figure in ("tasks_per_second", "cpu_s_per_1000.worker")),
            share,
        ]
        for kind, name, share in (
            ("with", "with metrics", _share(values)),
            ("without", UNMEASURED.name, ""),
        )
        if values
    ]
    yield Table(
        "What metrics cost a worker",
        ["worker", "drains, tasks/s", "worker CPU, s per 1000", "of that without, in pairs"],
        rows,
    )


def _share(values: dict[str, float | None]) -> str:
    median, least, most = (number(values.get(name) or 0) for name in ("share", "share_least", "share_most"))
    return f"{median} ({least} to {most})"
