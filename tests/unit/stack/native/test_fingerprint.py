"""A stack that runs is started again where something has changed for its services, and only there."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from stack.config import ROOT, stack_settings
from stack.native import broker_processes
from stack.native.fingerprint import fingerprint


def of(**environment: str) -> str:
    return fingerprint(stack_settings(environment, "native"))


@pytest.mark.parametrize(
    "environment",
    [
        {"MODE": "native"},
        {"MODE": "", "OBSERVABILITY": "", "API_PORT": "", "LOG_LEVEL": "", "AWS_ENDPOINT_URL": ""},
        {"API_PORT": "8000", "LOCALSTACK_PORT": "4566"},
        {"LOCALSTACK_IMAGE": "localstack/localstack:5", "LOCALSTACK_AUTH_TOKEN": "t", "GRAFANA_PORT": "3001"},
        {"LOG_FORMAT": "json", "AWS_ENDPOINT_URL": "http://elsewhere:1"},
        {"TERM": "dumb", "COLUMNS": "40", "MAKEFLAGS": "s", "MAKELEVEL": "1", "PWD": "/elsewhere"},
    ],
)
def test_what_changes_nothing_for_the_services_does_not_count(environment: dict[str, str]) -> None:
    assert of(**environment) == of()


@pytest.mark.parametrize(
    "environment",
    [
        {"API_PORT": "8001"},
        {"LOG_LEVEL": "DEBUG"},
        {"LOCALSTACK_URL_FOR_SERVICES": "http://localhost:4700"},
        {"SLACK_API_URL": ""},
        {"OTEL_SDK_DISABLED": "true"},
    ],
)
def test_what_changes_something_does(environment: dict[str, str]) -> None:
    assert of(**environment) != of()


def test_another_environment_with_the_same_packages_does_not_count(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)  # noqa: S603
    [packages] = tmp_path.glob("lib/python3.*/site-packages")
    (packages / "same.pth").write_text(sysconfig.get_path("purelib"))

    assert in_environment(tmp_path / "bin" / "python") == in_environment(Path(sys.executable))


def in_environment(python: Path) -> str:
    """The fingerprint of a stack that this interpreter's commands start, with one LocalStack."""
    code = "from tests.unit.stack.native.test_fingerprint import of; print(of())"
    environment = {**os.environ, "LOCALSTACK_PYTHON": sys.executable}
    return subprocess.check_output([python, "-c", code], cwd=ROOT, env=environment, text=True)  # noqa: S603


def test_so_do_other_packages(tmp_path: Path) -> None:
    settings = stack_settings({}, "native")
    lock = tmp_path / "stack.txt"
    lock.write_text("one==1\n")
    before = fingerprint(settings, lock=lock)
    lock.write_text("one==2\n")
    assert fingerprint(settings, lock=lock) != before


def test_so_does_another_python(monkeypatch: pytest.MonkeyPatch) -> None:
    before = of()
    monkeypatch.setattr("platform.python_version", lambda: "3.99.1")
    assert of() != before


def test_so_does_another_localstack(monkeypatch: pytest.MonkeyPatch) -> None:
    before = of()
    monkeypatch.setenv("LOCALSTACK_PYTHON", "/elsewhere/bin/python")
    assert of() != before


def test_so_does_another_environment_of_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    venv = tmp_path / ".venv-moto"
    for made in (".venv-moto.made-1", ".venv-moto.made-2"):
        (tmp_path / made / "bin").mkdir(parents=True)
    venv.symlink_to(".venv-moto.made-1")
    before = of(BROKER="moto")

    venv.unlink()
    venv.symlink_to(".venv-moto.made-2")

    assert of(BROKER="moto") != before


@pytest.mark.parametrize("name", ["FAUXQS_SERVER", "FAUXQS_PACKAGES"])
def test_so_does_another_way_of_running_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = of(BROKER="fauxqs")
    (tmp_path / "package-lock.json").touch()
    (tmp_path / "server").touch()

    monkeypatch.setattr(broker_processes, name, tmp_path if name == "FAUXQS_PACKAGES" else tmp_path / "server")

    assert of(BROKER="fauxqs") != before


def test_so_does_what_dot_env_says_to_a_task_type_of_ones_own(tmp_path: Path) -> None:
    settings = stack_settings({"UNKNOWN_TO_THE_PROJECT": "1"}, "native")
    dot_env = tmp_path / ".env"
    before = fingerprint(settings, dot_env=dot_env)
    dot_env.write_text("UNKNOWN_TO_THE_PROJECT=1\n")
    assert fingerprint(settings, dot_env=dot_env) != before


def test_so_does_a_setting_that_a_task_type_of_ones_own_declares(tmp_path: Path) -> None:
    compose_file = tmp_path / "docker-compose.yml"
    compose_file.write_text("x-settings: &settings\n  WORD_COUNT_MIN_LENGTH:\n")

    one, two = (
        fingerprint(stack_settings({"WORD_COUNT_MIN_LENGTH": value}, "native"), compose_file=compose_file)
        for value in "12"
    )

    assert one != two
