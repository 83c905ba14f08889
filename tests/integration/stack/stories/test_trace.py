"""A task that the logs leave in a queue, looked up in the queues themselves."""

import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from services.telemetry import log_events
from stack.brokers import MOTO
from stack.config import StackSettings
from stack.logs.line import RawLine
from stack.ports import free_port
from stack.stories.trace import doubt, find_story, find_true_story
from tests.integration.stack.sqs_account import SqsAccount
from tests.unit.stack.logs.log_lines import BEGAN, TASK, raw


class Account(SqsAccount):
    """An account with a queue `data` that was made just now."""

    def __init__(self, url: str, directory: Path) -> None:
        account = str(uuid4().int)[:12]
        super().__init__(url, account)
        credentials = {"AWS_ACCESS_KEY_ID": account, "AWS_DEFAULT_REGION": "us-east-1"}
        port = urlsplit(url).port
        assert port is not None
        self.settings = StackSettings("native", localstack_port=port, directory=directory, environment=credentials)
        self.call("CreateQueue", "data")


@pytest.fixture
def account(localstack_url: str, tmp_path: Path) -> Account:
    return Account(localstack_url, tmp_path)


def state(settings: StackSettings, *lines: RawLine) -> str:
    return find_true_story(TASK[:8], lambda: [list(lines)], settings).standing.state


ACCEPTED = raw("api", log_events.ACCEPTED, task_type="data")


def test_a_task_that_waits_in_queues_made_since_without_it_is_lost(account: Account) -> None:
    account.send("data", "of another task")

    assert state(account.settings, ACCEPTED) == "lost"


def test_a_task_that_a_queue_has_waits(account: Account) -> None:
    account.send("data", f'{{"task_id": "{TASK}"}}')

    assert state(account.settings, ACCEPTED) == "queued"


def test_a_task_that_is_logged_since_the_queues_were_made_is_at_work(account: Account) -> None:
    after = time.time() - BEGAN + 1

    assert state(account.settings, ACCEPTED, raw("worker-data", log_events.ATTEMPT_FAILED, after)) == "at work"


def test_a_task_whose_outcome_was_delivered_is_not_looked_for(account: Account) -> None:
    assert state(account.settings, ACCEPTED, raw("worker-data", log_events.DELIVERED, 1)) == "delivered"


def test_a_localstack_that_does_not_answer_has_no_say(tmp_path: Path) -> None:
    silent = StackSettings("native", localstack_port=free_port(), directory=tmp_path)

    assert state(silent, ACCEPTED) == "queued"


def test_a_task_that_is_settled_while_it_is_looked_for_is_not_lost(account: Account) -> None:
    readings = iter([[ACCEPTED], [ACCEPTED, raw("worker-data", log_events.DELIVERED, time.time() - BEGAN)]])

    story = find_true_story(TASK, lambda: [next(readings)], account.settings)

    assert story.standing.state == "delivered"


def test_a_task_that_may_be_lost_is_doubted_where_the_broker_does_not_show_its_messages(account: Account) -> None:
    settings = replace(account.settings, broker=MOTO)
    waiting = find_story(TASK, [[ACCEPTED]])
    since = time.time() - BEGAN + 1

    assert "The queues were made anew since, and moto does not show what is in them" in doubt(waiting, settings)
    assert doubt(waiting, account.settings) == ""
    assert doubt(find_story(TASK, [[ACCEPTED, raw("worker-data", log_events.ATTEMPT_FAILED, since)]]), settings) == ""
    assert doubt(find_story(TASK, [[ACCEPTED, raw("worker-data", log_events.DELIVERED, 1)]]), settings) == ""
