"""What `demo` sends is the design's example, to the digit."""

import re
import shlex

import simplejson

from stack.config import StackSettings
from stack.demo import curl


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
