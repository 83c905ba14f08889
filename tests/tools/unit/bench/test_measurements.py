"""Results are kept as they were measured, and summed up over the repetitions."""

import json
from pathlib import Path

import pytest

from bench.measurements import Results
from bench.statistics import Spread
from tests.tools.unit.bench.records import measured, results_of


def test_what_is_saved_is_loaded_as_it_was(tmp_path: Path) -> None:
    results = results_of(measured("worker", "bound", {"tasks_per_second": 1234.5, "lost": 0.0}, repetition=2))
    results.save(tmp_path / "new" / "results.json")
    assert Results.load(tmp_path / "new" / "results.json") == results


def test_results_of_another_schema_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    results_of().save(file)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": 99}))
    with pytest.raises(ValueError, match="schema 99"):
        Results.load(file)


def test_a_figure_is_summed_up_over_its_repetitions_alone() -> None:
    summary = results_of(
        measured("worker", "bound", {"rate": 1.0}),
        measured("worker", "bound", {"rate": 3.0}, repetition=1),
        measured("worker", "other", {"rate": 50.0}),
        measured("worker", "bound", {"rate": 60.0}, case="special"),
        measured("whole-path", "bound", {"rate": 70.0}),
    ).of("worker")
    assert summary.spread("bound", "rate") == Spread(2.0, 1.0, 3.0)
    assert summary.median("bound", "rate", "special") == 60.0


def test_what_was_not_measured_is_none() -> None:
    assert results_of().of("worker").spread("bound", "rate") is None
    assert results_of().of("worker").median("bound", "rate") is None
