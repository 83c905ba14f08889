"""Which measured figures the model rests on."""

import json
from pathlib import Path

import pytest

from bench.scaling import measured as module
from bench.scaling.measured import ONE_BY_ONE, PROJECT, Measured, accepted_per_second, measured


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "results.json"
    monkeypatch.setattr(module, "RESULTS", path)
    return path


def repetition(scenario: str, tasks_per_second: float) -> dict[str, object]:
    figures = {"requests_per_task": 0.31, "tasks_per_second": tasks_per_second, "cpu_s_per_1000.worker": 0.5}
    return {"scenario": scenario, "system": PROJECT, "case": "", "figures": figures}


def test_the_figures_are_the_medians_of_make_bench(results: Path) -> None:
    measurements = [repetition("worker", rate) for rate in (1500, 1700, 1600)]
    results.write_text(json.dumps({"measurements": [*measurements, repetition("whole-path", 1)]}))
    assert measured()[PROJECT] == Measured(0.31, 1600, 0.0005)


def test_what_make_bench_does_not_run_was_taken_by_hand(results: Path) -> None:
    results.write_text(json.dumps({"measurements": []}))
    assert measured()[ONE_BY_ONE].requests_per_task == 3


def test_the_api_accepts_what_was_measured_at_64_connections(results: Path) -> None:
    def of(case: str, rate: float) -> dict[str, object]:
        return {"scenario": "api", "system": PROJECT, "case": case, "figures": {"requests_per_second": rate}}

    measurements = [of("64 connections", rate) for rate in (3000, 3400, 3200)]
    results.write_text(json.dumps({"measurements": [*measurements, of("1 connection", 300)]}))
    assert accepted_per_second() == 3200
