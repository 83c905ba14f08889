"""What stops a command before it has seen a message: one line that says what to do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.services.conftest import Broker
from tests.integration.services.dlq.conftest import Commands


async def test_a_broker_that_is_not_there_is_one_line(
    broker_settings: Mapping[str, Any], closed_port: int, tmp_path: Path
) -> None:
    commands = Commands({**broker_settings, "aws_endpoint_url": f"http://127.0.0.1:{closed_port}"}, tmp_path)

    done = await commands.run("list")

    assert (done.exit_code, done.output, done.errors.count("\n")) == (1, "", 1)
    assert done.errors.startswith("SQS does not answer: is the stack up (`make up`), and AWS_ENDPOINT_URL_SQS")
    assert str(closed_port) in done.errors


async def test_a_queue_that_is_not_there_is_one_line_that_names_it(unprovisioned: Broker, tmp_path: Path) -> None:
    done = await Commands(unprovisioned.environment, tmp_path).run("list", "undelivered")

    assert (done.exit_code, done.output, done.errors.count("\n")) == (1, "", 1)
    assert f"There is no queue {unprovisioned.queues['undelivered'].name} at http://" in done.errors


async def test_credentials_that_are_missing_are_one_line(
    broker_settings: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    done = await Commands(broker_settings, tmp_path).run("list")

    assert (done.exit_code, done.output, done.errors.count("\n")) == (1, "", 1)
    assert "credentials" in done.errors


async def test_a_queue_is_known_by_the_name_that_it_has_in_sqs(broker: Broker, commands: Commands) -> None:
    done = await commands.run("list", broker.queues["undelivered"].name)

    assert (done.exit_code, done.errors) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["redrive", "task-0001", "--to", "nowhere", "--yes"],
            "There is no queue nowhere to redrive to: --to takes one of calc",
        ),
        (["redrive", "undelivered", "--yes"], "Say what to redrive"),
        (["list", "--older-than", "soon"], "--older-than: 'soon' is no age: give days, hours, minutes or seconds"),
        (["list", "calculation"], "There is no queue calculation to list: there are calculation-dlq"),
    ],
)
async def test_what_makes_no_sense_is_one_line_and_exit_code_2(
    broker_settings: Mapping[str, Any], tmp_path: Path, arguments: list[str], says: str
) -> None:
    done = await Commands(broker_settings, tmp_path).run(*arguments)

    assert (done.exit_code, done.output, done.errors.count("\n")) == (2, "", 1)
    assert done.errors.startswith(says)
