"""docs/performance.md: what stands in its regions follows from the results that are kept in bench/results."""

from pathlib import Path

import pytest

from bench.document import DOCUMENT, region, repetitions
from bench.markdown_region import replace_region
from bench.measurements import Results
from bench.plots import draw_bench, draw_growth
from bench.suites import BENCH, FUNCTIONS, GROWTH
from tests.tools.unit.bench.records import measured, results_of

RESULTS = results_of(
    measured("worker", "this project", {"tasks_per_second": 1500.0, "idle_p50_ms": 7.0, "requests_per_task": 0.3}),
    measured("worker", "bound", {"tasks_per_second": 1800.0, "idle_p50_ms": 6.0, "requests_per_task": 0.3}),
    measured("whole-path", "this project", {"tasks_per_second": 900.0, "cpu_s_per_1000.API": 0.3}),
)
GROWTH_RESULTS = results_of(
    measured("growth", "this project", {"tasks_per_second": 1500.0, "rss_mb_at.010": 80.0}, "1000 tasks, 1 workers")
)


def test_it_is_said_where_some_steps_were_measured_less_often_than_others() -> None:
    twice = [measured("worker", "bound", {}, repetition=repetition) for repetition in range(2)]
    assert repetitions(results_of(*twice)) == "2"
    assert repetitions(results_of(*twice, measured("worker", "this project", {}))) == "1 to 2"


@pytest.mark.parametrize(("draw", "results"), [(draw_bench, RESULTS), (draw_growth, GROWTH_RESULTS)])
def test_the_same_figures_make_the_same_plots(draw: object, results: Results, tmp_path: Path) -> None:
    assert callable(draw)
    first, second = draw(results, tmp_path / "1"), draw(results, tmp_path / "2")
    assert first
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_the_document_shows_the_kept_results() -> None:
    text = DOCUMENT.read_text()
    for suite in (BENCH, GROWTH, FUNCTIONS):
        results = Results.load(suite.kept)
        assert replace_region(text, suite.name, "\n".join(region(results, suite.report(results)))) == text
