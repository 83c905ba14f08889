"""What `demo` sends is the design's example, to the digit."""

import re
import shlex

import simplejson

from stack.config import StackSettings
from stack.demo import curl, request_headers


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
