"""The plots of a run, as SVG that is the same for the same figures and reads on a light and on a dark page."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.growth import GROWTH, SIZES, WORKERS, growth_case
from bench.measurements import Results, Summary
from bench.statistics import Spread
from bench.steps import WHOLE_PATH, WORKER
from bench.systems import BOUND, PROJECT
from bench.tables import number

# As far from white as from the dark of a page.
_INK = "#768390"
_OWN = "#2f81f7"
_OTHER = "#9aa4af"
_ROW = 0.34
"""Inches."""
_LINES = ("#2f81f7", "#d29922", "#a371f7", "#3fb950")
# matplotlib types the names of its settings one by one.
_STYLE: Any = {
    "svg.hashsalt": "bench",
    # As text, not as the outlines of its letters: a third of the lines, and it can be searched.
    "svg.fonttype": "none",
    # Those that a browser has, as wide as the one that the room is reckoned with.
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
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


def draw_bench(results: Results, directory: Path) -> list[Path]:
    """Draw what `make bench` has measured; return the files."""
    drawn: list[Path] = []
    workers, whole_path = results.of(WORKER), results.of(WHOLE_PATH)
    height = _ROW * len(workers.systems()) + 0.9
    with _figure(directory / "workers.svg", drawn, columns=3, height=height) as axes:
        _bars(axes[0], "drains, tasks/s", workers, "tasks_per_second")
        _bars(axes[1], "worker CPU, s per 1000 tasks", workers, "cpu_s_per_1000.worker")
        _bars(axes[2], "SQS requests a task", workers, "requests_per_task")
    with _figure(directory / "latency.svg", drawn, columns=1, height=height) as axes:
        _percentiles(axes[0], "idle: submit to callback, ms (p50, p95, p99)", workers, "idle")
    if systems := whole_path.systems():
        with _figure(directory / "whole-path.svg", drawn, columns=2, height=_ROW * len(systems) + 1.6) as axes:
            _bars(axes[0], "HTTP POST to callback, tasks/s", whole_path, "tasks_per_second")
            _stack(axes[1], "CPU s per 1000 tasks, by process", whole_path, "cpu_s_per_1000.")
    return drawn


def draw_growth(results: Results, directory: Path) -> list[Path]:
    """Draw what `make bench-growth` has measured; return the files."""
    drawn: list[Path] = []
    growth = results.of(GROWTH)
    with _figure(directory / "growth.svg", drawn, columns=3, height=2.8) as axes:
        _over_size(axes[0], "tasks/s", growth, "tasks_per_second")
        _over_size(axes[1], "worker CPU, s per 1000 tasks", growth, "cpu_s_per_1000.worker")
        _over_progress(axes[2], f"memory over {SIZES[-1]} tasks, MB", growth, "rss_mb_at.")
        axes[0].legend()
    return drawn


@contextmanager
def _figure(path: Path, drawn: list[Path], *, columns: int, height: float) -> Iterator[Sequence[Axes]]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, height))
        axes = figure.subplots(1, columns, squeeze=False)[0]
        yield list(axes)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Without a date, so that the same figures make the same file.
        figure.savefig(path, transparent=True, metadata={"Date": None})
    drawn.append(path)


def _bars(axes: Axes, title: str, summary: Summary, figure: str) -> None:
    systems = summary.systems()
    spreads = [summary.spread(system, figure) or Spread(0, 0, 0) for system in systems]
    axes.barh(range(len(systems)), [spread.median for spread in spreads], color=list(map(_color, systems)))
    for index, spread in enumerate(spreads):
        axes.plot([spread.least, spread.most], [index, index], color=_INK, linewidth=1)
        # Behind the line, which would go through it.
        axes.annotate(number(spread.median), (spread.most, index), (3, 0), textcoords="offset points", va="center")
    # Room for the numbers.
    axes.set_xlim(0, 1.3 * (max((spread.most for spread in spreads), default=0) or 1))
    _name_rows(axes, title, systems)


def _percentiles(axes: Axes, title: str, summary: Summary, load: str) -> None:
    systems = summary.systems()
    for index, system in enumerate(systems):
        values = _known((percent, summary.median(system, f"{load}_p{percent}_ms")) for percent in (50, 95, 99))
        axes.plot([value for _, value in values], [index] * len(values), "o-", color=_color(system), markersize=4)
    axes.set_xlim(left=0)
    _name_rows(axes, title, systems)


def _stack(axes: Axes, title: str, summary: Summary, prefix: str) -> None:
    systems = summary.systems()
    begins = [0.0] * len(systems)
    for color, name in zip(mpl.color_sequences["tab10"], summary.figures(prefix), strict=False):
        values = [summary.median(system, name) or 0 for system in systems]
        axes.barh(range(len(systems)), values, left=begins, color=color, label=name.removeprefix(prefix))
        begins = [begin + value for begin, value in zip(begins, values, strict=True)]
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.25), ncols=3, fontsize=8)
    _name_rows(axes, title, systems)


def _name_rows(axes: Axes, title: str, systems: Sequence[str]) -> None:
    """Name them at the left of the first plot alone."""
    axes.set_title(title)
    place = axes.get_subplotspec()
    names = systems if place is None or place.is_first_col() else [""] * len(systems)
    axes.set_yticks(range(len(systems)), names)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)


def _over_size(axes: Axes, title: str, growth: Summary, figure: str) -> None:
    for color, workers in zip(_LINES, WORKERS, strict=False):
        values = ((size, growth.median(PROJECT.name, figure, growth_case(size, workers))) for size in SIZES)
        _line(axes, _known(values), color, workers)
    axes.set_xscale("log")
    axes.set_xticks(SIZES, [f"{size // 1000}k" for size in SIZES])
    axes.minorticks_off()
    axes.set_xlabel("tasks")
    _from_zero(axes, title)


def _over_progress(axes: Axes, title: str, growth: Summary, prefix: str) -> None:
    for color, workers in zip(_LINES, WORKERS, strict=False):
        case = growth_case(SIZES[-1], workers)
        values = (
            (int(figure.removeprefix(prefix)), growth.median(PROJECT.name, figure, case))
            for figure in growth.figures(prefix)
        )
        _line(axes, _known(values), color, workers)
    axes.set_xlabel("% of the tasks done")
    _from_zero(axes, title)


def _line(axes: Axes, points: Sequence[tuple[int, float]], color: str, workers: int) -> None:
    label = "1 worker" if workers == 1 else f"{workers} workers"
    axes.plot([x for x, _ in points], [y for _, y in points], "o-", color=color, markersize=4, label=label)


def _known(points: Iterable[tuple[int, float | None]]) -> list[tuple[int, float]]:
    return [(x, y) for x, y in points if y is not None]


def _from_zero(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_ylim(0, 1.15 * max(axes.dataLim.y1, 0) or 1)
    axes.grid(axis="y")


def _color(system: str) -> str:
    if system == PROJECT.name:
        return _OWN
    return _INK if system == BOUND.name else _OTHER
