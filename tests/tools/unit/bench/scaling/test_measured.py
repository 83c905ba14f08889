"""Which measured figures the model rests on."""

from pathlib import Path

import pytest

from bench.measurements import Measurement
from bench.scaling.measured import (
    ONE_BY_ONE,
    Measured,
    MeasuredFunctions,
    accepted_per_second,
    measured,
    measured_functions,
)
from tests.tools.unit.bench.records import measured as measurement
from tests.tools.unit.bench.records import results_of


def saved(directory: Path, *measurements: Measurement) -> Path:
    results_of(*measurements).save(directory / "results.json")
    return directory / "results.json"


def test_the_figures_are_the_medians_of_make_bench(tmp_path: Path) -> None:
    drains = [
        measurement(
            "worker", "this project", {"requests_per_task": 0.31, "cpu_s_per_1000.worker": cpu}, repetition=number
        )
        for number, cpu in enumerate((0.4, 0.6, 0.5))
    ]
    assert measured(saved(tmp_path, *drains))["this project"] == Measured(0.31, 0.0005)


def test_what_make_bench_does_not_run_was_taken_by_hand(tmp_path: Path) -> None:
    assert measured(saved(tmp_path))[ONE_BY_ONE].requests_per_task == 3


def test_the_api_accepts_what_was_measured_at_64_connections(tmp_path: Path) -> None:
    def of(case: str, rate: float, repetition: int = 0) -> Measurement:
        return measurement("api", "this project", {"requests_per_second": rate}, case, repetition)

    rates = [of("64 connections", rate, repetition) for repetition, rate in enumerate((3000, 3400, 3200))]
    assert accepted_per_second(saved(tmp_path, *rates, of("1 connection", 300))) == 3200


def test_what_was_not_measured_is_named(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="requests_per_second of this project was not measured"):
        accepted_per_second(saved(tmp_path))


def test_the_functions_take_the_medians_of_what_was_measured_of_them(tmp_path: Path) -> None:
    def of(scenario: str, system: str, case: str, figure: str, *values: float) -> list[Measurement]:
        return [
            measurement(scenario, system, {figure: value}, case, repetition) for repetition, value in enumerate(values)
        ]

    path = saved(
        tmp_path,
        *of("api-function", "this project", "", "cpu_ms", 3, 2, 4),
        *of("worker-function", "this project", "1 record", "cpu_ms", 1, 1, 2),
        *of("worker-function", "this project", "10 records", "cpu_ms", 5, 6, 7),
        *of("cold-start", "api", "with bytecode", "init_cpu_ms", 1500, 1000, 2000),
        *of("cold-start", "api", "without bytecode", "init_cpu_ms", 9000),
        *of("cold-start", "worker", "with bytecode", "init_cpu_ms", 500, 1000, 900),
    )
    assert measured_functions(path) == MeasuredFunctions(
        api_request=0.003, batch_of_one=0.001, batch_of_ten=0.006, api_init=1.5, worker_init=0.9
    )
