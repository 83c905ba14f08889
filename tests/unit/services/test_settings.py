"""Settings that cannot work stop a program at boot, with one line each that names the setting."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from services.api.settings import ApiSettings
from services.dlq_watcher.settings import WatcherSettings
from services.outbound.settings import TargetSettings
from services.queueing.settings import ConsumerSettings
from services.runtime.settings import ServiceSettings
from services.settings import load_settings
from services.task_types.loading import load_task_types
from services.tasks.data import DataSettings
from services.worker.settings import WorkerSettings
from stack.config import ROOT

SECONDS = "Input should be greater than 0"
TASK_TYPES = load_task_types(["services.tasks"])
UNUSABLE_KEY = "CALLBACK_SIGNING_SECRET: a secret is whsec_ followed by the base64 of 24 to 64 random bytes"
UNUSABLE_API_KEY = "each key has at least 16 visible ASCII characters"
UNUSABLE_TARGET = (
    "ALLOWED_PRIVATE_TARGETS.1: 'http://receiver' is no target: write host, host:port, 10.0.0.5, 10.0.0.5:9000,"
    " fd00::5, [fd00::5]:9000 or 10.0.0.0/8"
)
DATA_CONCURRENCY = "DATA_CONCURRENCY: Input should be greater than or equal to 1"


def heartbeat_line(heartbeat: int, visibility: int) -> str:
    return (
        f"HEARTBEAT_SECONDS ({heartbeat}) must be less than VISIBILITY_TIMEOUT_SECONDS ({visibility}),"
        " else a message returns to its queue while it is being worked"
    )


@pytest.mark.parametrize(
    ("settings_class", "environment", "line"),
    [
        (
            ConsumerSettings,
            {"HEARTBEAT_SECONDS": "60", "VISIBILITY_TIMEOUT_SECONDS": "60"},
            heartbeat_line(60, 60),
        ),
        (
            ApiSettings,
            {"AWS_ENDPOINT_URL": "localhost:4566"},
            "AWS_ENDPOINT_URL: URL scheme should be 'http' or 'https'",
        ),
        (ApiSettings, {"API_PORT": "65536"}, "API_PORT: Input should be less than or equal to 65535"),
        (ApiSettings, {"ENQUEUE_MAX_PENDING": "0"}, "ENQUEUE_MAX_PENDING: Input should be greater than or equal to 1"),
        (
            ApiSettings,
            {"ENQUEUE_MAX_PENDING_BYTES": "1000000"},
            "ENQUEUE_MAX_PENDING_BYTES: Input should be greater than or equal to 1048576",
        ),
        (ApiSettings, {"API_KEYS": "0123456789abcdef,short"}, f"API_KEYS.1: {UNUSABLE_API_KEY}"),
        (ApiSettings, {"API_KEYS": "0123456789abcde\u00e9"}, f"API_KEYS.0: {UNUSABLE_API_KEY}"),
        (ApiSettings, {"API_KEYS": ","}, "API_KEYS: List should have at least 1 item after validation, not 0"),
        (ApiSettings, {"ENQUEUE_TIMEOUT_SECONDS": "0"}, f"ENQUEUE_TIMEOUT_SECONDS: {SECONDS}"),
        (ApiSettings, {"ENQUEUE_TIMEOUT_SECONDS": "nan"}, "ENQUEUE_TIMEOUT_SECONDS: Input should be a finite number"),
        (
            ApiSettings,
            {"LOG_LEVEL": "LOUD"},
            "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
        ),
        (
            ApiSettings,
            {"QUEUE_NAME_PREFIX": "a b"},
            "QUEUE_NAME_PREFIX: String should match pattern '^[A-Za-z0-9_-]{0,24}$'",
        ),
        (
            ApiSettings,
            {"TASK_PACKAGES": " , "},
            "TASK_PACKAGES: Value should have at least 1 item after validation, not 0",
        ),
        (
            WorkerSettings,
            {"SQS_WAIT_TIME_SECONDS": "21"},
            "SQS_WAIT_TIME_SECONDS: Input should be less than or equal to 20",
        ),
        (WorkerSettings, {"WORKER_CONCURRENCY": "0"}, "WORKER_CONCURRENCY: Input should be greater than or equal to 1"),
        (
            WorkerSettings,
            {"TASK_DELAY_SECONDS": "soon"},
            "TASK_DELAY_SECONDS: Input should be a valid number, unable to parse string as a number",
        ),
        (
            WorkerSettings,
            {"CALLBACK_RETRY_SCHEDULE_SECONDS": "1,2,3,4,5,6,7,8"},
            "CALLBACK_RETRY_SCHEDULE_SECONDS: Value should have at most 7 items after validation, not 8",
        ),
        (
            WorkerSettings,
            {"CALLBACK_IN_PLACE_RETRY_SECONDS": "nan"},
            "CALLBACK_IN_PLACE_RETRY_SECONDS.0: Input should be a finite number",
        ),
        (WorkerSettings, {"CALLBACK_SIGNING_SECRET": "secret"}, UNUSABLE_KEY),
        (WorkerSettings, {"CALLBACK_SIGNING_SECRET": "whsec_c2hvcnQ="}, UNUSABLE_KEY),
        (
            WatcherSettings,
            {"SLACK_BOT_TOKEN": "xoxb-1"},
            "SLACK_CHANNEL must name a channel where SLACK_BOT_TOKEN is set",
        ),
        (WatcherSettings, {"ALERT_WINDOW_SECONDS": "0"}, f"ALERT_WINDOW_SECONDS: {SECONDS}"),
        (
            WatcherSettings,
            {"ALERT_WINDOW_SECONDS": "3601"},
            "ALERT_WINDOW_SECONDS: Input should be less than or equal to 3600",
        ),
        (TargetSettings, {"ALLOWED_PRIVATE_TARGETS": "receiver:9000,http://receiver"}, UNUSABLE_TARGET),
        (
            TargetSettings,
            {"ALLOWED_PRIVATE_TARGETS": "10.0.0.5/8"},
            "ALLOWED_PRIVATE_TARGETS.0: 10.0.0.5/8 has host bits set",
        ),
        (DataSettings, {"DATA_TIMEOUT_SECONDS": "0"}, f"DATA_TIMEOUT_SECONDS: {SECONDS}"),
        (DataSettings, {"DATA_CONCURRENCY": "0"}, DATA_CONCURRENCY),
    ],
)
def test_a_setting_that_cannot_work_is_refused_with_the_line_that_names_it(
    settings_class: type[BaseSettings],
    environment: dict[str, str],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as end:
        load_settings(settings_class)

    assert end.value.code == os.EX_CONFIG
    assert capsys.readouterr().err == f"cannot start: {line}\n"


def test_each_setting_that_cannot_work_has_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("API_PORT", "http")
    monkeypatch.setenv("ENQUEUE_TIMEOUT_SECONDS", "-1")

    with pytest.raises(SystemExit):
        load_settings(ApiSettings)

    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["API_PORT", "ENQUEUE_TIMEOUT_SECONDS"]


def test_a_refused_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CALLBACK_SIGNING_SECRET", "whsec_my-own-secret")

    with pytest.raises(SystemExit):
        load_settings(WorkerSettings)

    assert "my-own-secret" not in capsys.readouterr().err


def test_no_secret_is_shown_by_the_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("API_KEYS", "first-key-0123456789, second-key-0123456789")
    settings = load_settings(ApiSettings)
    assert [key.get_secret_value() for key in settings.api_keys or []] == [
        "first-key-0123456789", "second-key-0123456789"
    ]  # fmt: skip
    assert "-key-" not in repr(settings) + str(settings) + settings.model_dump_json()

    monkeypatch.setenv("API_KEYS", "my-short-key")
    with pytest.raises(SystemExit):
        load_settings(ApiSettings)
    assert "my-short-key" not in capsys.readouterr().err


def test_a_setting_comes_from_the_env_file_and_the_environment_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("API_PORT=1\nAPI_HOST=file\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("API_HOST", "environment")

    settings = load_settings(ApiSettings)

    assert (settings.api_host, settings.api_port) == ("environment", 1)


def test_an_empty_setting_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "")

    settings = load_settings(WatcherSettings)

    assert settings.aws_endpoint_url is None
    assert settings.slack_bot_token is None


@pytest.mark.parametrize(
    ("for_all", "for_sqs", "endpoint"),
    [
        ("", "", None),
        ("http://all:1", "", "http://all:1/"),
        ("", "http://sqs:1", "http://sqs:1/"),
        ("http://all:1", "http://sqs:1", "http://sqs:1/"),
    ],
)
def test_the_endpoint_for_sqs_alone_beats_the_one_for_all_services(
    monkeypatch: pytest.MonkeyPatch, for_all: str, for_sqs: str, endpoint: str | None
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", for_all)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", for_sqs)

    assert load_settings(ServiceSettings).sqs_endpoint_url == endpoint


@pytest.mark.parametrize(
    ("visibility_timeout", "heartbeat", "linger"), [(60, 20, 2), (43_200, 20, 2), (20, 10, 1), (2, 1, 0.1)]
)
def test_a_delete_waits_for_others_for_a_small_part_of_the_time_that_its_message_stays_hidden(
    visibility_timeout: int, heartbeat: float, linger: float
) -> None:
    settings = ConsumerSettings(visibility_timeout_seconds=visibility_timeout, heartbeat_seconds=heartbeat)
    assert settings.delete_linger_seconds == pytest.approx(linger)


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLBACK_RETRY_SCHEDULE_SECONDS", "2, 5,10")
    monkeypatch.setenv("TASK_PACKAGES", "services.tasks, more.tasks")

    settings = load_settings(WorkerSettings)

    assert settings.callback_retry_schedule_seconds == [2, 5, 10]
    assert settings.task_packages == ["services.tasks", "more.tasks"]


@pytest.mark.parametrize(
    ("program", "environment", "line"),
    [
        (
            ["services.worker", "calculation"],
            {"VISIBILITY_TIMEOUT_SECONDS": "20"},
            heartbeat_line(20, 20),
        ),
        (
            ["services.worker", "mail"],
            {},
            f"QUEUE: there is no queue 'mail' for a worker; there are {', '.join(TASK_TYPES)}, callbacks",
        ),
        (
            ["services.api"],
            {"AWS_DEFAULT_REGION": ""},
            "AWS_DEFAULT_REGION: name the region of the queues, such as eu-central-1",
        ),
        (["services.worker", "data"], {"DATA_CONCURRENCY": "0"}, DATA_CONCURRENCY),
        (["services.api"], {"ALLOWED_PRIVATE_TARGETS": "receiver:9000,http://receiver"}, UNUSABLE_TARGET),
        (
            ["services.queues"],
            {"TASK_PACKAGES": "no.such.tasks"},
            "TASK_PACKAGES: there is no package 'no.such.tasks' (No module named 'no')",
        ),
    ],
)
def test_a_program_ends_at_boot_with_that_line_alone(
    program: list[str], environment: dict[str, str], line: str, tmp_path: Path
) -> None:
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", *program],
        env={**os.environ, "PYTHONPATH": str(ROOT), "AWS_CONFIG_FILE": str(tmp_path / "none"), **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (os.EX_CONFIG, "", f"cannot start: {line}\n")
