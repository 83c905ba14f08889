"""How long a service is given to stop."""

import pytest

from stack.aws.stopping import (
    FARGATE_LONGEST_STOP_SECONDS,
    api_stop_seconds,
    consumer_stop_seconds,
    require_fargate_can_wait,
)
from stack.errors import StackError


def test_a_consumer_is_given_its_long_poll_and_its_drain_and_more() -> None:
    assert consumer_stop_seconds({"SQS_WAIT_TIME_SECONDS": "7", "DRAIN_TIMEOUT_SECONDS": "30.5"}) == 38 + 20


def test_by_the_default_settings_it_is_given_what_docker_compose_gives_it() -> None:
    assert consumer_stop_seconds({}) == 60


def test_what_is_set_to_nothing_has_its_default() -> None:
    assert consumer_stop_seconds({"DRAIN_TIMEOUT_SECONDS": ""}) == consumer_stop_seconds({})


def test_what_this_machine_has_set_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAIN_TIMEOUT_SECONDS", "6")
    monkeypatch.setenv("ENQUEUE_TIMEOUT_SECONDS", "60")
    assert (consumer_stop_seconds({}), api_stop_seconds({})) == (60, 30)


def test_the_api_is_given_the_time_of_its_requests_and_that_of_their_messages() -> None:
    assert api_stop_seconds({"ENQUEUE_TIMEOUT_SECONDS": "8"}) == 8 + 8 + 20


def test_the_longest_drain_that_fargate_waits_for_is_taken() -> None:
    require_fargate_can_wait({"DRAIN_TIMEOUT_SECONDS": "80"})
    assert consumer_stop_seconds({"DRAIN_TIMEOUT_SECONDS": "80"}) == FARGATE_LONGEST_STOP_SECONDS


def test_a_longer_one_is_refused_with_what_it_may_be() -> None:
    with pytest.raises(StackError) as raised:
        require_fargate_can_wait({"DRAIN_TIMEOUT_SECONDS": "100", "SQS_WAIT_TIME_SECONDS": "10"})

    assert str(raised.value) == (
        "DRAIN_TIMEOUT_SECONDS (100) and SQS_WAIT_TIME_SECONDS (10) let a service take 130 seconds to stop, and Fargate"
        " kills it after 120: with that wait the drain may take 90 seconds."
    )


def test_an_api_that_takes_longer_is_refused() -> None:
    with pytest.raises(StackError, match=r"^ENQUEUE_TIMEOUT_SECONDS lets the API take 140 seconds to stop"):
        require_fargate_can_wait({"ENQUEUE_TIMEOUT_SECONDS": "60"})


def test_what_cannot_work_is_named() -> None:
    with pytest.raises(StackError, match=r"^DRAIN_TIMEOUT_SECONDS: Input should be a valid number"):
        consumer_stop_seconds({"DRAIN_TIMEOUT_SECONDS": "soon"})
