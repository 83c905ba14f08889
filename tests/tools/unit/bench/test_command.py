"""The command line, up to where something would be started."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.__main__ import app
from bench.builds import Builds
from bench.environments import Environment
from bench.functions.steps import functions_steps
from bench.growth import growth_steps
from bench.plan import bench_steps
from bench.suites import BENCH, bench_with
from bench.systems import PROJECT, System
from stack.config import ROOT


def test_a_scenario_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    result = CliRunner().invoke(app, ["--only", "nonsense"])
    assert result.exit_code == 2
    assert "whole-path, worker" in re.sub(r"\s+", " ", result.output.replace("│", ""))


def test_one_run_is_one_measurement() -> None:
    result = CliRunner().invoke(app, ["--growth", "--functions"])
    assert result.exit_code == 2
    assert "two measurements" in result.output


def test_a_baseline_that_this_clone_does_not_have_is_refused_before_anything_is_installed() -> None:
    result = CliRunner().invoke(app, ["--baseline", "nonsense"])
    assert result.exit_code == 2
    assert "no commit nonsense" in result.output
    assert "Installing" not in result.output


def test_nothing_else_is_measured_beside_a_baseline() -> None:
    result = CliRunner().invoke(app, ["--growth", "--baseline", "HEAD"])
    assert result.exit_code == 2
    assert "beside a baseline" in result.output


def build(name: str) -> System:
    """This project, elsewhere."""
    return PROJECT.built(name, Environment(name, Path("elsewhere"), Path("lock.txt")), Path("tree"))


@pytest.mark.parametrize("quick", [True, False])
def test_each_step_of_a_baseline_comes_right_behind_that_of_this_project(quick: bool) -> None:  # noqa: FBT001
    baseline = build("this project at 6c3b5bf")
    steps = bench_with(Builds(baseline=baseline)).steps(quick=quick)
    measured = [(before.scenario, before.case) for before, step in pairwise(steps) if step.system == baseline.name]
    assert measured == [("worker", ""), ("whole-path", ""), ("api", "64 connections")]
    assert {before.system for before, step in pairwise(steps) if step.system == baseline.name} == {PROJECT.name}
    assert {step.environment for step in steps if step.system == baseline.name} == {baseline.environment}


def test_another_python_is_measured_as_a_worker_and_as_an_api() -> None:
    python = build("this project on Python 3.13")
    steps = [step for step in bench_steps(Builds(other_python=python), quick=False) if step.system == python.name]
    assert [(step.scenario, step.case) for step in steps] == [("worker", ""), ("api", "64 connections")]


def test_a_baseline_has_time_of_its_own_and_another_python_has_none() -> None:
    assert bench_with(Builds(baseline=build("a"))).longest_seconds > BENCH.longest_seconds
    assert bench_with(Builds(other_python=build("b"))).longest_seconds == BENCH.longest_seconds


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
    environments = {step.environment for step in bench_steps(quick=False)} - {None, PROJECT.environment}
    installed = {environment.name for environment in environments if environment}
    locked = {lock.stem for lock in (ROOT / "bench" / "requirements").glob("*.txt")}
    assert set(peers[1].split()) == installed == locked
