"""How SQS has a queue, against how it is declared."""

import json
from typing import Any

import pytest

from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from services.queueing.definition import QueueDefinition
from services.queueing.provisioning import (
    LEAST_MESSAGE_BYTES,
    Provisioning,
    describe_smaller_messages,
    disagreements,
    read_provisioning,
)

DAY = 86_400

TASKS = QueueDefinition("data", "worker", 3, "data-dlq", None, 4 * DAY)
DEAD = QueueDefinition("data-dlq", "dlq_watcher", None, "undelivered", "data", 14 * DAY)


def attributes(
    *, attempts: object = 3, dlq: str = "mine-data-dlq", retention: int = 4 * DAY, size: int = 1_048_576
) -> dict[str, str]:
    policy = {"deadLetterTargetArn": f"arn:aws:sqs:eu-central-1:000000000000:{dlq}", "maxReceiveCount": attempts}
    return {
        "RedrivePolicy": json.dumps(policy),
        "MessageRetentionPeriod": str(retention),
        "MaximumMessageSize": str(size),
    }


def disagreements_of(definition: QueueDefinition, answered: dict[str, str]) -> list[str]:
    return [str(each) for each in disagreements(definition, read_provisioning(answered), "mine-")]


@pytest.mark.parametrize("attempts", [3, "3"])
def test_a_queue_that_is_as_declared_has_no_disagreement(attempts: Any) -> None:
    assert disagreements_of(TASKS, attributes(attempts=attempts)) == []


def test_a_queue_that_takes_smaller_messages_than_sqs_allows_is_as_good_as_long_as_ours_fit() -> None:
    assert disagreements_of(TASKS, attributes(size=262_144)) == []
    assert disagreements_of(TASKS, attributes(size=LEAST_MESSAGE_BYTES)) == []


@pytest.mark.parametrize(
    ("stated", "most"), [("262144", 262_144), ("1048577", MAX_MESSAGE_BYTES), (None, MAX_MESSAGE_BYTES)]
)
def test_a_message_is_as_large_as_its_queue_says_and_never_larger_than_sqs_allows(
    stated: str | None, most: int
) -> None:
    answered = {} if stated is None else {"MaximumMessageSize": stated}

    assert read_provisioning(answered).max_message_bytes == most


def test_what_smaller_messages_mean_is_said_in_a_sentence() -> None:
    assert describe_smaller_messages(262_144) == (
        "MaximumMessageSize is 262144, where SQS allows 1048576: the API refuses what is larger with a 413,"
        " and outcomes wait compressed"
    )
    assert describe_smaller_messages(MAX_MESSAGE_BYTES) is None
    # Which is not as declared.
    assert describe_smaller_messages(1024) is None


def test_a_longer_retention_is_as_good() -> None:
    assert disagreements_of(TASKS, attributes(retention=14 * DAY)) == []


@pytest.mark.parametrize(
    ("answered", "lines"),
    [
        (attributes(attempts=2), ["mine-data: RedrivePolicy.maxReceiveCount is 2, wanted 3"]),
        (attributes(attempts=5), ["mine-data: RedrivePolicy.maxReceiveCount is 5, wanted 3"]),
        (
            attributes(dlq="data-dlq"),
            ["mine-data: RedrivePolicy.deadLetterTargetArn is data-dlq, wanted mine-data-dlq"],
        ),
        (attributes(retention=DAY), ["mine-data: MessageRetentionPeriod is 86400, wanted 345600 or more"]),
        (attributes(size=1024), ["mine-data: MaximumMessageSize is 1024, wanted 16384 or more"]),
        ({}, ["mine-data: RedrivePolicy is missing, wanted maxReceiveCount 3 and mine-data-dlq"]),
        (
            attributes(attempts=1, retention=60),
            [
                "mine-data: RedrivePolicy.maxReceiveCount is 1, wanted 3",
                "mine-data: MessageRetentionPeriod is 60, wanted 345600 or more",
            ],
        ),
    ],
)
def test_what_is_not_as_declared_is_named_with_its_value_and_the_one_wanted(
    answered: dict[str, str], lines: list[str]
) -> None:
    assert disagreements_of(TASKS, answered) == lines


def test_a_queue_whose_consumer_decides_alone_is_to_have_no_redrive_policy() -> None:
    [line] = disagreements_of(DEAD, attributes(attempts=5, dlq="elsewhere", retention=14 * DAY))

    assert line == (
        "mine-data-dlq: RedrivePolicy is maxReceiveCount 5 and elsewhere,"
        " wanted none: its consumer alone decides what becomes of a message"
    )
    assert disagreements_of(DEAD, {"MessageRetentionPeriod": str(14 * DAY)}) == []


def test_what_an_endpoint_does_not_state_is_not_judged() -> None:
    assert read_provisioning({}) == Provisioning(None, None, None)
    assert disagreements_of(DEAD, {}) == []
