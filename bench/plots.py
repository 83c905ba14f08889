"""The plots of a run, as SVG that is the same for the same figures and reads on a light and on a dark page."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.growth import GROWTH, SIZES, WORKERS, growth_case
from bench.results import Summary
from bench.steps import WHOLE_PATH, WORKER
from bench.systems import BOUND, PROJECT

# As far from white as from the dark of a page.
_INK = "#768390"
_OWN = "#2f81f7"
_OTHER = "#9aa4af"
_LINES = ("#2f81f7", "#d29922", "#a371f7", "#3fb950")
_STYLE: Mapping[str, object] = {
    "svg.hashsalt": "bench",
    "svg.fonttype": "path",
    "figure.constrained_layout.use": True,
    "font.size": 10,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor", "xtick.color", "ytick.color"), _INK
    ),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "grid.color": _INK,
    "grid.alpha": 0.25,
}


def draw_bench(summary: Summary, directory: Path) -> list[Path]:
    """Draw what `make bench` has measured; return the files."""
    workers, whole = summary.systems(WORKER), summary.systems(WHOLE_PATH)
    drawn = []
    with _figure(directory / "workers.svg", drawn, columns=3, height=0.34 * len(workers) + 0.9) as axes:
        _bars(axes[0], "drains, tasks/s", summary, WORKER, workers, "tasks_per_second")
        _bars(axes[1], "worker CPU, s per 1000 tasks", summary, WORKER, workers, "cpu_s_per_1000.worker")
        _bars(axes[2], "SQS requests a task", summary, WORKER, workers, "requests_per_task")
    with _figure(directory / "latency.svg", drawn, columns=1, height=0.34 * len(workers) + 0.9) as axes:
        _percentiles(axes[0], "idle: submit to callback, ms (p50, p95, p99)", summary, WORKER, workers, "idle")
    if whole:
        with _figure(directory / "whole-path.svg", drawn, columns=2, height=0.34 * len(whole) + 1.6) as axes:
            _bars(axes[0], "HTTP POST to callback, tasks/s", summary, WHOLE_PATH, whole, "tasks_per_second")
            _stack(axes[1], "CPU s per 1000 tasks, by process", summary, WHOLE_PATH, whole, "cpu_s_per_1000.")
    return drawn


def draw_growth(summary: Summary, directory: Path) -> list[Path]:
    """Draw what `make bench-growth` has measured; return the files."""
    drawn: list[Path] = []
    with _figure(directory / "growth.svg", drawn, columns=3, height=2.8) as axes:
        _over_size(axes[0], "tasks/s", summary, "tasks_per_second")
        _over_size(axes[1], "worker CPU, s per 1000 tasks", summary, "cpu_s_per_1000.worker")
        _memory(axes[2], f"memory of the workers over {SIZES[-1]} tasks, MB", summary)
        axes[0].legend()
    return drawn


@contextmanager
def _figure(path: Path, drawn: list[Path], *, columns: int, height: float) -> Iterator[Sequence[Axes]]:
    with mpl.rc_context(dict(_STYLE)):
        figure = Figure(figsize=(9, height))
        axes = figure.subplots(1, columns, squeeze=False)[0]
        yield list(axes)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Without a date, so that the same figures make the same file.
        figure.savefig(path, transparent=True, metadata={"Date": None})
    drawn.append(path)


def _bars(axes: Axes, title: str, summary: Summary, scenario: str, systems: Sequence[str], figure: str) -> None:
    spreads = [summary.spread(scenario, system, figure) for system in systems]
    medians = [spread.median if spread else 0 for spread in spreads]
    bars = axes.barh(range(len(systems)), medians, color=[_color(system) for system in systems])
    axes.bar_label(bars, [f"{value:,.0f}" if value >= 10 else f"{value:.2g}" for value in medians], padding=3)  # noqa: PLR2004
    for index, spread in enumerate(spreads):
        if spread:
            axes.plot([spread.least, spread.most], [index, index], color=_INK, linewidth=1)
    axes.set_xlim(0, 1.25 * max(medians, default=1))
    _name_rows(axes, title, systems)


def _percentiles(axes: Axes, title: str, summary: Summary, scenario: str, systems: Sequence[str], load: str) -> None:
    for index, system in enumerate(systems):
        values = [summary.median(scenario, system, f"{load}_p{percent}_ms") for percent in (50, 95, 99)]
        known = [value for value in values if value is not None]
        axes.plot(known, [index] * len(known), "o-", color=_color(system), linewidth=1, markersize=4)
    axes.set_xlim(left=0)
    _name_rows(axes, title, systems)


def _stack(axes: Axes, title: str, summary: Summary, scenario: str, systems: Sequence[str], prefix: str) -> None:
    begins = [0.0] * len(systems)
    names = summary.figures(scenario, prefix)
    for color, name in zip(mpl.color_sequences["tab10"], names, strict=False):
        values = [summary.median(scenario, system, name) or 0 for system in systems]
        axes.barh(range(len(systems)), values, left=begins, color=color, label=name.removeprefix(prefix))
        begins = [begin + value for begin, value in zip(begins, values, strict=True)]
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.25), ncols=3, fontsize=8)
    _name_rows(axes, title, systems)


def _name_rows(axes: Axes, title: str, systems: Sequence[str]) -> None:
    axes.set_title(title)
    first = axes.get_subplotspec()
    axes.set_yticks(range(len(systems)), systems if first is None or first.is_first_col() else [""] * len(systems))
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)


def _over_size(axes: Axes, title: str, summary: Summary, figure: str) -> None:
    for color, workers in zip(_LINES, WORKERS, strict=False):
        points = [(size, summary.median(GROWTH, PROJECT.name, figure, growth_case(size, workers))) for size in SIZES]
        known = [(size, value) for size, value in points if value is not None]
        axes.plot(*zip(*known, strict=True), "o-", color=color, markersize=4, label=_count(workers)) if known else None
    axes.set_xscale("log")
    axes.set_xticks(SIZES, [f"{size // 1000}k" for size in SIZES])
    axes.minorticks_off()
    axes.set_xlabel("tasks")
    _from_zero(axes, title)


def _memory(axes: Axes, title: str, summary: Summary) -> None:
    for color, workers in zip(_LINES, WORKERS, strict=False):
        case = growth_case(SIZES[-1], workers)
        points = [(percent, summary.median(GROWTH, PROJECT.name, f"rss_mb_at.{percent:03}", case)) for percent in range(10, 101, 10)]
        known = [(percent, value) for percent, value in points if value is not None]
        axes.plot(*zip(*known, strict=True), "o-", color=color, markersize=4, label=_count(workers)) if known else None
    axes.set_xlabel("% of the tasks done")
    _from_zero(axes, title)


def _from_zero(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")


def _count(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def _color(system: str) -> str:
    if system == PROJECT.name:
        return _OWN
    return _INK if system == BOUND.name else _OTHER
