"""Writes the generated regions of docs/performance.md, each from the results that are kept beside it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.plots import draw_bench, draw_growth
from bench.results import Results, Summary, Surroundings
from bench.tables import Table, as_markdown, bench_tables, growth_tables
from bench.targets import bench_targets, growth_targets, targets_table
from stack.config import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
DIRECTORY = ROOT / "docs" / "performance"
BENCH_RESULTS = DIRECTORY / "results.json"
GROWTH_RESULTS = DIRECTORY / "growth.json"


def write_document() -> list[Path]:
    """Write the regions and the plots anew from the kept results; return what was written."""
    text = DOCUMENT.read_text()
    written = [DOCUMENT]
    if BENCH_RESULTS.exists():
        results = Results.load(BENCH_RESULTS)
        text = replace_region(text, "bench", bench_region(results))
        written += draw_bench(Summary(results.measurements), DIRECTORY)
    if GROWTH_RESULTS.exists():
        results = Results.load(GROWTH_RESULTS)
        text = replace_region(text, "growth", growth_region(results))
        written += draw_growth(Summary(results.measurements), DIRECTORY)
    DOCUMENT.write_text(text)
    return written


def bench_region(results: Results) -> Iterator[str]:
    """The lines of the region that `make bench` writes."""
    summary = Summary(results.measurements)
    yield from _describe(results.surroundings, repetitions(results))
    yield from _section(targets_table(bench_targets(summary)))
    pictures = {"Workers": "workers.svg", "Submit": "latency.svg", "The whole path: HTTP": "whole-path.svg"}
    for table in bench_tables(summary):
        yield from _section(table, next((file for begin, file in pictures.items() if table.title.startswith(begin)), None))


def growth_region(results: Results) -> Iterator[str]:
    """The lines of the region that `make bench-growth` writes."""
    summary = Summary(results.measurements)
    yield from _describe(results.surroundings, repetitions(results))
    yield from _section(targets_table(growth_targets(summary)))
    for table in growth_tables(summary):
        yield from _section(table, "growth.svg" if table.title.startswith("Tasks") else None)


def repetitions(results: Results) -> int:
    """Return how often each step was measured."""
    return max((measurement.repetition for measurement in results.measurements), default=-1) + 1


def replace_region(text: str, name: str, lines: Iterable[str]) -> str:
    """Put the lines between the two comments that mark the region. Raises ValueError where there are none."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    marked = re.compile(f"(?<={re.escape(begin)}).*?(?={re.escape(end)})", re.DOTALL)
    body = "\n".join(lines)
    replaced, count = marked.subn(lambda _: f"{body}\n", text)
    if count != 1:
        raise ValueError(f"docs/performance.md must have the region {name} once, between {begin!r} and {end!r}")
    return replaced


def _describe(surroundings: Surroundings, count: int) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in surroundings.versions.items())
    yield (
        f"{surroundings.date[:10]}, commit {surroundings.commit}, {surroundings.machine}; {count} interleaved repetitions in"
        f" {surroundings.seconds / 60:.1f} minutes; medians, in brackets the least and the most. {versions}."
    )
    yield ""


def _section(table: Table, picture: str | None = None) -> Iterator[str]:
    if not table.rows:
        return
    yield f"### {table.title}"
    yield ""
    if picture:
        yield f"![{table.title}](performance/{picture})"
        yield ""
    yield from as_markdown(table)
    yield ""
