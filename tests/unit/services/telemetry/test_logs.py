"""Logs: one JSON object a line, or readable; never a local variable, never a secret."""

import json
import os
import subprocess
import sys
from functools import cache

import pytest

from stack.config import ROOT

# In a process of its own, for what it sets holds for the whole process.
PROGRAM = """
import logging, sys
import structlog, structlog.testing
from services.telemetry import log_context
from services.telemetry.logs import configure_logs
from services.telemetry.redaction import hide_secrets_of
from services.streams.output import protect
from services.dlq_watcher.settings import WatcherSettings
from services.settings import load_settings

settings = load_settings(WatcherSettings)
hide_secrets_of(settings)
configure_logs(settings, protect("stdout"))
log = structlog.get_logger("services.example")

def fail(password):
    raise ValueError("no")

log_context.bind(task_id="id-1")
log.debug("not shown")
log.info("a line\\nof two", text="\\u00e9", number=1.5, thing=object)
logging.getLogger("library").warning("from %s", "a library")
logging.getLogger("httpx2").info("a request")
try:
    fail(password="hush" + "hush")
except ValueError:
    log.exception("failed")
    logging.getLogger("library").exception("failed too")

URL = "http://user:p4ssw0rd@receiver/?api_key=k3y'k3y"
log.warning(f"event {URL}", value=URL, nested={"list": [URL]}, error=ValueError(URL), quoted=f'GET "{URL}" failed')
logging.getLogger("library").warning("argument %s", URL)
try:
    raise ValueError(f"cannot call {URL}") from ConnectionError(URL)
except ValueError:
    log.exception("failed")
    logging.getLogger("library").exception("failed too")

token = settings.slack_bot_token.get_secret_value()
log.warning(f"event {token}", value=token, nested={"list": [token]}, error=ValueError(token), settings=settings)
logging.getLogger("library").warning("argument %s", token)
try:
    raise ValueError(f"https://slack/{token}/") from ConnectionError(token)
except ValueError:
    log.exception("failed")
    logging.getLogger("library").exception("failed too")

class Shy:
    def __repr__(self):
        raise RuntimeError("I have none")

ring = {}
ring["again"] = ring
log.info("shown plainly", shy=Shy(), ring=ring, huge=10**5000, text="\\udcff", token=token)
logging.getLogger("library").warning("a shy one: %s", Shy())
logging.getLogger("library").warning("too few: %s %s", token)
with structlog.testing.capture_logs() as captured:
    log.info("captured, and not written")
assert len(captured) == 1
log.info("the last")
"""

TOKEN = "xoxb-top-secret"  # noqa: S105  # made up


@cache
def logged(log_format: str) -> list[str]:
    ended = subprocess.run(  # noqa: S603  # the program above
        [sys.executable, "-c", PROGRAM],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "LOG_FORMAT": log_format,
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_CHANNEL": "#alerts",
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert ended.stderr == ""
    return ended.stdout.splitlines()


def test_json_logs_are_one_object_a_line_of_our_own_and_of_the_libraries() -> None:
    lines = [json.loads(line) for line in logged("json")[:4]]

    assert [line["event"] for line in lines] == ["a line\nof two", "from a library", "failed", "failed too"]
    assert [line["level"] for line in lines] == ["info", "warning", "error", "error"]
    assert {line["task_id"] for line in lines} == {"id-1"}
    assert lines[0]["logger"] == "services.example"
    assert lines[0]["number"] == 1.5
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_an_exception_is_logged_with_its_traceback() -> None:
    for line in map(json.loads, logged("json")[2:4]):
        assert "in fail" in line["exception"]
        assert "ValueError: no" in line["exception"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_log_shows_a_local_variable(log_format: str) -> None:
    text = "\n".join(logged(log_format))

    assert "ValueError: no" in text
    assert "hushhush" not in text


def test_what_cannot_be_rendered_is_shown_as_plainly_as_it_must_be_and_raises_nothing() -> None:
    ours, shy, too_few, last = [json.loads(line) for line in logged("json")[-4:]]

    assert (
        ours.items()
        >= {
            "event": "shown plainly",
            "task_id": "id-1",
            "shy": "<Shy, whose repr raises RuntimeError>",
            "ring": "{'again': {...}}",
            "huge": "<int, whose repr raises ValueError>",
            "text": "\udcff",
            "token": "***",
        }.items()
    )
    assert shy["event"] == "a shy one: %s (it cannot be shown as a whole: RuntimeError)"
    assert too_few["event"] == "too few: %s %s (it cannot be shown as a whole: TypeError)"
    assert {line["level"] for line in (shy, too_few)} == {"warning"}
    assert last["event"] == "the last"


def test_what_cannot_be_rendered_is_readable_too() -> None:
    text = "\n".join(logged("console")[-4:])

    assert "shown plainly" in text
    assert "<Shy, whose repr raises RuntimeError>" in text
    assert "the last" in text


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_log_shows_a_credential_of_a_url(log_format: str) -> None:
    text = "\n".join(logged(log_format))

    assert "p4ssw0rd" not in text
    assert "k3y" not in text
    assert text.count("cannot call http://receiver/?api_key=") == 2


def test_a_log_line_without_credentials_is_json_still() -> None:
    lines = [json.loads(line) for line in logged("json")]

    assert [line["quoted"] for line in lines if "quoted" in line] == ['GET "http://receiver/?api_key=…" failed']
    assert next(line["nested"] for line in lines if "nested" in line) == {"list": ["http://receiver/?api_key=…"]}


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_log_shows_a_secret(log_format: str) -> None:
    text = "\n".join(logged(log_format))

    assert TOKEN not in text
    assert text.count("event ***") == 1
    assert text.count("argument ***") == 1
    assert text.count("ConnectionError: ***") == 2
    assert text.count("ValueError: https://slack/***/") == 2
