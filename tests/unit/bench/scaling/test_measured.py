"""Which measured figures the model rests on."""

import json
from pathlib import Path

import pytest

from bench.scaling import measured as module
from bench.scaling.measured import ONE_BY_ONE, PROJECT, Measured, measured


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "results.json"
    monkeypatch.setattr(module, "RESULTS", path)
    return path


def repetition(scenario: str, tasks_per_second: float) -> dict[str, object]:
    figures = {"requests_per_task": 0.31, "tasks_per_second": tasks_per_second, "cpu_s_per_1000.worker": 0.5}
    return {"scenario": scenario, "system": PROJECT, "case": "", "figures": figures}


def test_figures_of_make_bench_come_before_those_taken_by_hand(results: Path) -> None:
    measurements = [repetition("worker", rate) for rate in (1500, 1700, 1600)]
    results.write_text(json.dumps({"measurements": [*measurements, repetition("whole-path", 1)]}))
    assert measured()[PROJECT] == Measured(0.31, 1600, 0.0005)


@pytest.mark.usefixtures("results")
def test_without_them_there_are_those_taken_by_hand() -> None:
    assert measured()[ONE_BY_ONE].requests_per_task == 3
