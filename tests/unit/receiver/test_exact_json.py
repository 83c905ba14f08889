"""Whatever bytes come, what is answered of them is JSON."""

import json

import httpx
import pytest
import simplejson
from hypothesis import example, given
from hypothesis import strategies as st

from receiver import exact_json

MARK = b"\xef\xbb\xbf"
DOUBLE_MARK = MARK.decode("latin-1").encode()
SURROGATE = b'{"task_id": "\\ud800", "results": [], "errors": []}'

marks = st.lists(st.sampled_from([MARK, DOUBLE_MARK, b" ", b"\n"]), max_size=3).map(b"".join)
texts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
).map(lambda value: json.dumps(value).encode())

BODIES = [
    DOUBLE_MARK + b'{"task_id": "t-1"}',
    MARK + DOUBLE_MARK + b"{}",
    MARK + MARK + b"{}",
    MARK + b"{}",
    b" " + MARK + b"{}",
    SURROGATE,
    b'{"a": NaN}',
    b'{"a": 1E400, "b": -0.0, "c": 1e-9999999}',
    b'"\xe2\x80\xa8\x7f"',
    b"[" * 100_000,
    b"[" * 500 + b"]" * 500,
    b"\xff\xfe{\x00}\x00",
    bytes(range(256)),
    b"",
]


@given(before=marks, body=st.binary() | texts, after=marks)
@example(before=DOUBLE_MARK, body=b"{}", after=b"")
def test_what_is_embedded_verbatim_is_json(before: bytes, body: bytes, after: bytes) -> None:
    embedded = exact_json.verbatim(before + body + after)

    json.loads(simplejson.dumps({"body": embedded}))


@pytest.mark.parametrize("body", BODIES)
async def test_a_delivery_of_any_bytes_is_listed_in_json(receiver: httpx.AsyncClient, body: bytes) -> None:
    for headers in ({}, {"webhook-id": b"caf\xe9 \xff"}):
        assert (await receiver.post("/callback", content=body, headers=headers)).is_success  # type: ignore[arg-type]  # bytes are taken

    answers = [
        json.loads((await receiver.get(path)).content) for path in ("/callbacks", "/tasks", "/callbacks/summary")
    ]

    assert len(answers[0]["callbacks"]) == 2
    assert {callback["raw_body"] for callback in answers[0]["callbacks"]} == {body.decode(errors="replace")}


@pytest.mark.parametrize("body", BODIES)
async def test_a_source_asked_with_any_bytes_answers_json(receiver: httpx.AsyncClient, body: bytes) -> None:
    assert json.loads((await receiver.post("/source", content=body)).content)["source"] == "receiver"


@pytest.mark.parametrize("body", [*BODIES, b'{"channel": "#a", "text": "\\ud800", "blocks": [1E400, "\\udfff"]}'])
async def test_the_slack_stand_in_answers_any_bytes_with_json(receiver: httpx.AsyncClient, body: bytes) -> None:
    token = {"authorization": "Bearer xoxb-test"}

    assert "ok" in json.loads((await receiver.post("/slack/api/chat.postMessage", content=body, headers=token)).content)

    json.loads((await receiver.get("/slack/messages")).content)


@pytest.mark.parametrize(
    "body", [b'{"\\ud800": 1}', b'{"seconds": NaN}', b"{" + b'"a": 1, ' * 100_000 + b'"b": [NaN]}']
)
async def test_what_is_malformed_is_given_in_a_modest_answer(receiver: httpx.AsyncClient, body: bytes) -> None:
    answer = await receiver.put("/misbehaviour", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 422
    assert json.loads(answer.content)["detail"]


async def test_of_many_errors_the_first_are_given(receiver: httpx.AsyncClient) -> None:
    answer = await receiver.put("/misbehaviour", json={f"wrong {number}": 1 for number in range(1000)})

    assert (answer.status_code, len(answer.json()["detail"])) == (422, 100)
