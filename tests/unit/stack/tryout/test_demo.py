"""What `demo` sends is the design's example, to the digit; and what it makes of the answers."""

import re
import shlex
from typing import Any

import simplejson

from stack.config import StackSettings
from stack.tryout.demo import Trial, curl, trials
from stack.tryout.submit import request_headers


def test_the_curl_command_sends_the_calculations_to_this_stack_with_all_their_digits() -> None:
    settings = StackSettings("containers", api_port=8001)

    words = shlex.split(curl(settings))

    assert "http://localhost:8001/v1/calculation/basic" in words
    request = simplejson.loads(words[words.index("-d") + 1], use_decimal=True)
    assert request["callback_url"] == "http://receiver:9000/callback"
    assert [item["name"] for item in request["message"]] == ["calc_0", "calc_1", "calc_2", "calc_3"]
    assert str(request["message"][2]["num_1"]) == "0.877666663555222222"


def test_the_curl_command_can_be_pasted_without_a_change() -> None:
    assert not re.search(r"[<>…]", curl(StackSettings("native")))


def test_tasks_are_submitted_with_an_api_key_where_there_are_some() -> None:
    assert request_headers(StackSettings("native")) == {"Content-Type": "application/json"}
    environment = {"API_KEYS": " first-key-0123456789, second-key-0123456789"}
    assert request_headers(StackSettings("native", environment=environment))["X-API-Key"] == "first-key-0123456789"


def trial(title: str) -> Trial:
    return next(each for each in trials(StackSettings("native")) if title in each.title)


def test_a_calculation_is_as_expected_to_the_digit() -> None:
    body = simplejson.loads(
        '{"results": [{"calc_0": 123.76}, {"calc_1": 785687255.2435}, {"calc_2": 880}],'
        ' "errors": [{"calc_3": "division by zero"}]}',
        use_decimal=True,
    )

    assert trial("Four calculations").is_expected(body)
    assert not trial("Four calculations").is_expected({**body, "errors": []})


def test_a_failure_reports_the_place_and_the_request() -> None:
    failed: Any = trial("does not know")
    error = {"details": "message.0.num_1: Field required", "message": {"message": simplejson.loads(failed.message)}}

    assert failed.is_expected({"results": [], "errors": [error]})
    assert not failed.is_expected({"results": [], "errors": [{**error, "details": "no worker reported back"}]})


def test_the_outcome_that_reaches_nobody_is_taken_once_a_person_brings_it_back() -> None:
    kept = [each for each in trials(StackSettings("native")) if each.ends_undelivered]

    assert [each.callback_query for each in kept] == ["?status=410&times=1"]
