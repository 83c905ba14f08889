"""`python -m tests.chaos` as a command."""

import pytest
from typer.testing import CliRunner, Result

from tests.chaos.__main__ import app


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "MODE": "", **environment})


def test_the_plan_of_a_seed_is_printed_and_nothing_is_started() -> None:
    first, again, other = (run("--plan", "--seconds", "60", "--seed", seed).output for seed in ("7", "7", "8"))
    assert first == again != other
    assert "SIGKILL" in first


def test_a_stack_of_functions_has_faults_of_its_own() -> None:
    by_setting, by_option = (
        run("--plan", "--seconds", "60", "--seed", "7", MODE="lambda").output,
        run("--plan", "--seconds", "60", "--seed", "7", "--mode", "lambda").output,
    )
    assert by_setting == by_option
    assert "nothing triggers" in by_setting
    assert "SIGTERM" not in by_setting


def test_a_stack_in_containers_is_refused() -> None:
    result = run("--plan", MODE="containers")
    assert result.exit_code == 2
    assert "MODE" in result.output


def test_settings_come_from_the_environment_and_empty_ones_are_none() -> None:
    by_option = run("--plan", "--seconds", "60", "--seed", "7").output
    assert run("--plan", CHAOS_SECONDS="60", CHAOS_SEED="7", CHAOS_TASKS="", MODE="").output == by_option


@pytest.mark.parametrize("setting", ["CHAOS_TASKS", "CHAOS_SECONDS", "CHAOS_SEED"])
def test_a_setting_that_is_no_number_is_refused_by_its_name(setting: str) -> None:
    result = run("--plan", **{setting: "many"})
    assert result.exit_code == 2
    assert setting in result.output
