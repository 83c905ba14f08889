"""Writes the generated regions of docs/performance.md, each from the results that are kept in bench/results."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.markdown_region import replace_region
from bench.measurements import KEPT, Results, Surroundings
from bench.suites import BENCH, FUNCTIONS, GROWTH
from bench.tables import Table, as_markdown
from stack.config import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"


def write_document() -> list[Path]:
    """Write the regions and the plots anew from the kept results; return what was written."""
    text = DOCUMENT.read_text()
    written = [DOCUMENT]
    for suite in (BENCH, GROWTH, FUNCTIONS):
        if suite.kept.exists():
            results = Results.load(suite.kept)
            text = replace_region(text, suite.name, "\n".join(region(results, suite.report(results))))
            written += suite.draw(results, KEPT)
    DOCUMENT.write_text(text)
    return written


def region(results: Results, report: Iterable[Table]) -> Iterator[str]:
    """The lines of a region: where, when and on what was measured, and the tables."""
    yield from _describe(results.surroundings, repetitions(results))
    for table in report:
        yield from _section(table)


def repetitions(results: Results) -> str:
    """Say how often each step was measured: not all as often, where the time was over."""
    counts = Counter((each.scenario, each.system, each.case) for each in results.measurements).values()
    fewest, most = min(counts, default=0), max(counts, default=0)
    return str(most) if fewest == most else f"{fewest} to {most}"


def _describe(surroundings: Surroundings, count: str) -> Iterator[str]:
    minutes = surroundings.seconds / 60
    versions = ", ".join(f"{name} {version}" for name, version in surroundings.versions.items())
    yield f"Measured on {surroundings.date[:10]} at commit {surroundings.commit}, in {minutes:.1f} minutes."
    yield f"{surroundings.machine}."
    if count != "1":
        yield (
            f"Medians of {count} interleaved repetitions; in brackets the least and the most."
            " A target that compares two systems is the median of the ratios within a repetition."
        )
    yield f"{versions}."
    yield ""


def _section(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    yield f"### {table.title}"
    yield ""
    if table.plot:
        yield f"![{table.title}](../bench/results/{table.plot})"
        yield ""
    yield from as_markdown(table)
    yield ""
