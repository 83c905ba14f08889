"""What a stack remembers of how it was started."""

import json
from pathlib import Path

import pytest

from stack import state
from stack.brokers import FAUXQS, LOCALSTACK, Broker
from stack.config import DEFAULT_DIRECTORY, PROJECT_NAME, ROOT, Mode, stack_settings, wanted_mode
from stack.errors import StackError
from stack.running import mode_before, settings_found, with_broker
from stack.state import Remembered, saved_messages_file

STARTED_WITH = {"LOCALSTACK_PORT": "4567", PROJECT_NAME: "mine", "AWS_DEFAULT_REGION": "eu-central-1"}
ASKED_LATER = {"LOCALSTACK_PORT": "4566", PROJECT_NAME: "other", "COMPOSE_FILE": "other.yml", "LOG_LEVEL": "DEBUG"}


def started(directory: Path, **environment: str) -> None:
    state.remember(stack_settings({**environment, "STACK_DIR": str(directory)}, "containers"))


def test_how_it_was_started_counts_more_than_what_the_shell_says_now(tmp_path: Path) -> None:
    started(tmp_path, **STARTED_WITH)

    remembered = state.recall(tmp_path)
    found_by = remembered.applied_to(ASKED_LATER)

    assert remembered.mode == "containers"
    assert found_by.items() >= STARTED_WITH.items()
    assert found_by["API_PORT"] == "8000"
    assert found_by["LOG_LEVEL"] == "DEBUG"
    assert "COMPOSE_FILE" not in found_by


def test_nothing_is_remembered_of_what_was_never_started(tmp_path: Path) -> None:
    assert state.recall(tmp_path / "never") == Remembered()


def test_a_stopped_stack_has_no_mode_and_keeps_its_project_over_a_native_one(tmp_path: Path) -> None:
    modes: tuple[Mode, ...] = ("containers", "native")
    for mode in modes:
        settings = stack_settings({PROJECT_NAME: f"of-{mode}", "STACK_DIR": str(tmp_path)}, mode)
        state.remember(settings)
        state.remember_stopped(settings)

    assert state.recall(tmp_path).mode is None
    assert state.recall(tmp_path).project == "of-containers"


@pytest.mark.parametrize("mode", ["native", "containers"])
def test_what_an_earlier_version_has_noted_is_understood(tmp_path: Path, mode: Mode) -> None:
    (tmp_path / "mode").write_text(mode)

    remembered = state.recall(tmp_path)

    assert remembered == Remembered(mode)
    assert remembered.applied_to(ASKED_LATER) == ASKED_LATER
    started(tmp_path)
    assert not (tmp_path / "mode").exists()


@pytest.mark.parametrize("settings", [{}, {"LOCALSTACK_PORT": "4567"}])
def test_what_a_version_without_a_choice_of_brokers_has_started_has_localstack(settings: dict[str, str]) -> None:
    remembered = Remembered("native", settings)

    assert stack_settings(remembered.applied_to({"BROKER": "moto"}), "native").broker == LOCALSTACK


def noted_by(directory: Path, clone: Path, mode: Mode | None = "native") -> None:
    directory.mkdir(exist_ok=True)
    (directory / "stack.json").write_text(json.dumps({"mode": mode, "settings": {}, "folder": str(clone)}))


def test_a_directory_from_which_another_clone_runs_its_stack_is_refused_by_the_clone_s_name(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    noted_by(tmp_path / "shared", clone)

    with pytest.raises(StackError, match=f"the stack that {clone} has started"):
        state.recall(tmp_path / "shared")


def test_a_directory_where_another_clone_has_stopped_its_stack_is_free(tmp_path: Path) -> None:
    noted_by(tmp_path, tmp_path, mode=None)

    assert state.recall(tmp_path) == Remembered()


def test_the_stack_of_a_clone_that_was_moved_is_still_its_own(tmp_path: Path) -> None:
    noted_by(tmp_path, tmp_path / "before-it-was-moved")

    assert state.recall(tmp_path).mode == "native"


def test_what_was_copied_along_with_a_clone_is_not_its_own(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    noted_by(copy / DEFAULT_DIRECTORY.name, ROOT)

    assert state.recall(copy / DEFAULT_DIRECTORY.name, this_clone=copy) == Remembered()


@pytest.mark.parametrize("mode", ["native", "containers"])
def test_what_was_queued_in_one_mode_is_worked_off_in_it(tmp_path: Path, mode: Mode) -> None:
    environment = {"STACK_DIR": str(tmp_path)}
    settings = stack_settings(environment, mode)
    state.remember(settings)
    state.remember_stopped(settings)

    without_any = mode_before(None, environment)
    saved_messages_file(tmp_path).touch()

    assert without_any is None
    assert mode_before(None, environment) == mode


def test_a_stack_that_runs_stays_on_its_broker_unless_another_is_asked_for(tmp_path: Path) -> None:
    running = stack_settings({"STACK_DIR": str(tmp_path), "BROKER": "moto"}, "native")
    state.remember(running)

    assert state.recall(tmp_path).applied_to({})["BROKER"] == "moto"
    assert with_broker({}, running)["BROKER"] == "moto"
    assert with_broker({"BROKER": "ministack"}, running)["BROKER"] == "ministack"


@pytest.mark.parametrize(
    ("broker", "asked", "started"),
    [
        ("fauxqs", {}, "fauxqs"),
        ("fauxqs", {"MODE": "native"}, "fauxqs"),
        ("fauxqs", {"BROKER": "localstack"}, "localstack"),
        ("fauxqs", {"MODE": "containers"}, ""),
        ("moto", {}, ""),
    ],
)
def test_a_stack_that_was_stopped_goes_on_with_the_broker_that_keeps_what_was_queued(
    tmp_path: Path, broker: str, asked: dict[str, str], started: str
) -> None:
    settings = stack_settings({"STACK_DIR": str(tmp_path), "BROKER": broker}, "native")
    state.remember(settings)
    if settings.broker.keeps_messages:
        state.note_kept_messages(tmp_path, settings.broker, 3)
    state.remember_stopped(settings)

    assert with_broker({"STACK_DIR": str(tmp_path), **asked}, None).get("BROKER", "") == started


@pytest.mark.parametrize("mode", ["containers", "lambda"])
def test_what_was_saved_of_another_mode_goes_before_what_a_broker_keeps(tmp_path: Path, mode: Mode) -> None:
    environment = {"STACK_DIR": str(tmp_path)}
    state.note_kept_messages(tmp_path, FAUXQS, 3)
    state.remember_stopped(stack_settings(environment, mode))

    assert with_broker(environment, None)["BROKER"] == "fauxqs"
    saved_messages_file(tmp_path).touch()
    assert wanted_mode(with_broker(environment, None)) is None
    assert mode_before(None, environment) == mode


@pytest.mark.parametrize(("mode", "broker"), [("containers", LOCALSTACK), ("lambda", LOCALSTACK), ("native", FAUXQS)])
def test_a_stack_that_is_there_in_another_mode_than_natively_has_localstack_whatever_is_asked_for(
    mode: Mode, broker: Broker
) -> None:
    assert settings_found({"BROKER": "fauxqs"}, mode).broker == broker


def test_what_a_broker_keeps_is_known_until_it_keeps_nothing(tmp_path: Path) -> None:
    state.note_kept_messages(tmp_path, FAUXQS, 1)
    assert str(state.kept_messages(tmp_path)) == (
        "fauxqs keeps 1 message in its queues: `BROKER=fauxqs make up` goes on with them."
    )

    state.note_kept_messages(tmp_path, FAUXQS, None)
    assert "fauxqs keeps what was in its queues" in str(state.kept_messages(tmp_path))

    state.note_kept_messages(tmp_path, FAUXQS, 0)
    assert state.kept_messages(tmp_path) is None
