"""What other builds show beside this one: ratios within a repetition, and the targets where there is a baseline."""

from bench.api import API, api_case
from bench.builds_report import builds_tables, builds_targets
from bench.measurements import Measurement, Results
from bench.systems import PROJECT
from tests.tools.unit.bench.records import measured, results_of

AT_COMMIT = "this project at 6c3b5bf"
ON_3_13 = "this project on Python 3.13"


def worker(system: str, cpu: float, memory: float = 80, repetition: int = 0) -> Measurement:
    figures = {"cpu_s_per_1000.worker": cpu, "peak_mb.worker": memory}
    return measured("worker", system, figures, repetition=repetition)


def api(system: str, cpu: float, p99: float, connections: int = 64) -> Measurement:
    return measured(API, system, {"api_cpu_us": cpu, "p99_ms": p99}, api_case(connections))


def targets(results: Results) -> dict[str, tuple[float, bool]]:
    return {target.what: (target.value, target.met) for target in builds_targets(results)}


def test_this_project_is_held_against_itself_at_an_earlier_commit() -> None:
    results = results_of(
        *(worker(PROJECT.name, 0.6, 84), worker(AT_COMMIT, 1.0, 80)),
        *(api(PROJECT.name, 300, 50), api(AT_COMMIT, 400, 50)),
        *(api(PROJECT.name, 900, 90, connections=1), api(AT_COMMIT, 100, 10, connections=1)),
    )
    assert targets(results) == {
        "worker CPU a task, of that at 6c3b5bf": (0.6, True),
        "worker's peak memory, of that at 6c3b5bf": (1.05, False),
        "API CPU an accepted task, at 64 connections, of that at 6c3b5bf": (0.75, True),
        "API's p99 at 64 connections, of that at 6c3b5bf": (1.0, True),
    }


def test_a_ratio_is_that_of_pairs_within_a_repetition() -> None:
    # A machine of which others take half from the second repetition on.
    results = results_of(
        *(worker(PROJECT.name, 0.5), worker(AT_COMMIT, 1.0)),
        *(worker(PROJECT.name, 1.2, repetition=1), worker(AT_COMMIT, 2.0, repetition=1)),
        worker(AT_COMMIT, 9.0, repetition=2),
    )
    assert targets(results)["worker CPU a task, of that at 6c3b5bf"][0] == 0.55
    [table] = builds_tables(results)
    assert table.rows[0] == ["worker CPU, s per 1000 tasks", "0.85 (0.5 to 1.2)", "2 (1 to 9)", "0.55 (0.5 to 0.6)"]


def test_without_a_baseline_there_is_neither_a_target_nor_a_table_of_it() -> None:
    results = results_of(worker(PROJECT.name, 0.6), worker("bound", 0.4))
    assert targets(results) == {}
    assert list(builds_tables(results)) == []


def test_a_table_has_the_figures_that_both_have() -> None:
    results = results_of(
        worker(PROJECT.name, 0.6),
        worker(AT_COMMIT, 1.0),
        api(AT_COMMIT, 400, 50),
        measured("whole-path", AT_COMMIT, {}),
    )
    [table] = builds_tables(results)
    assert table.title == "Against 6c3b5bf"
    assert list(table.columns) == ["", "this project", "at 6c3b5bf", "ratio within a repetition"]
    assert [row[0] for row in table.rows] == ["worker CPU, s per 1000 tasks", "worker's peak memory, MB"]


def test_the_newer_python_comes_first_whichever_ran_the_measurement() -> None:
    # The records' run was on Python 3.11.
    [table] = builds_tables(results_of(worker(PROJECT.name, 1.0), worker(ON_3_13, 0.8)))
    assert (table.title, list(table.columns[1:3])) == ("Python 3.13 beside 3.11", ["Python 3.13", "Python 3.11"])
    assert table.rows[0] == ["worker CPU, s per 1000 tasks", "0.8", "1", "0.8"]

    older = "this project on Python 3.9"
    [table] = builds_tables(results_of(worker(PROJECT.name, 1.0), worker(older, 2.0)))
    assert table.title == "Python 3.11 beside 3.9"
    assert table.rows[0] == ["worker CPU, s per 1000 tasks", "1", "2", "0.5"]


def test_the_gain_of_a_python_is_no_target() -> None:
    assert targets(results_of(worker(PROJECT.name, 1.0), worker(ON_3_13, 0.8))) == {}
