"""The command line, up to where something would be started."""

import re

from typer.testing import CliRunner

from bench.__main__ import app
from bench.functions.steps import functions_steps
from bench.growth import growth_steps
from bench.plan import bench_steps
from stack.config import ROOT


def test_a_scenario_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    result = CliRunner().invoke(app, ["--only", "nonsense"])
    assert result.exit_code == 2
    assert "whole-path, worker" in re.sub(r"\s+", " ", result.output.replace("│", ""))


def test_one_run_is_one_measurement() -> None:
    result = CliRunner().invoke(app, ["--growth", "--functions"])
    assert result.exit_code == 2
    assert "two measurements" in result.output


def test_a_quick_run_measures_less_of_the_same() -> None:
    for steps in (bench_steps, growth_steps, functions_steps):
        quick = {(step.scenario, step.system, step.case) for step in steps(quick=True)}
        assert quick < {(step.scenario, step.system, step.case) for step in steps(quick=False)}


def test_no_step_is_there_twice() -> None:
    for steps in (bench_steps(quick=False), growth_steps(quick=False), functions_steps(quick=False)):
        assert len({(step.scenario, step.system, step.case) for step in steps}) == len(steps)


def test_each_peer_has_a_lock_that_make_lock_writes() -> None:
    peers = re.search(r"^PEERS = (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert peers is not None
    installed = {step.environment.name for step in bench_steps(quick=False) if step.environment}
    locked = {lock.stem for lock in (ROOT / "bench" / "requirements").glob("*.txt")}
    assert set(peers[1].split()) == installed == locked
