"""The headers that a user may choose for a request."""

import string

import pytest
from pydantic import TypeAdapter, ValidationError

from services.outbound.request_headers import MAX_HEADERS, MAX_HEADERS_BYTES, RequestHeaders

HEADERS: TypeAdapter[dict[str, str]] = TypeAdapter(RequestHeaders)


def refusal_of(headers: dict[str, object]) -> tuple[tuple[int | str, ...], str]:
    """Where the one error is, and what it says."""
    with pytest.raises(ValidationError) as refused:
        HEADERS.validate_python(headers)
    [error] = refused.value.errors()
    return error["loc"], error["msg"].removeprefix("Value error, ")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer abc.def", "accept": "application/json; q=1"},
        {"x": ""},
        {"x": " a\tb "},
        {"x": string.printable[:95]},
        {"!#$%&'*+-.^_`|~09azAZ": "every character of a token"},
        {"hostname": "a", "x-host": "b", "transfer": "c", "proxy": "d", "te-x": "e"},
        {f"x-{number}": "a" for number in range(MAX_HEADERS)},
        {"x": "a" * (MAX_HEADERS_BYTES - 1)},
    ],
)
def test_what_a_request_can_carry_is_taken_as_it_is(headers: dict[str, str]) -> None:
    assert HEADERS.validate_python(headers) == headers


@pytest.mark.parametrize(
    "name",
    [
        "Host", "host", "HOST", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Trailer",
        "Upgrade", "Proxy-Authorization", "proxy-connection", "Proxy-", "Expect",
    ],
)  # fmt: skip
def test_a_header_of_the_connection_is_refused_by_its_name(name: str) -> None:
    place, message = refusal_of({"x": "fine", name: "a"})

    assert place == (name, "[key]")
    assert message == f"the header {name} cannot be chosen: the connection decides it"


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "a:", ":a", "a\r\n", "a\n", "a\x00", "\u00e9", "a\u2603", "a,b", "(a)", "a/b", '"a"', "a\x7f"],
)
def test_a_name_that_is_no_token_is_refused_at_its_place(name: str) -> None:
    place, message = refusal_of({name: "a"})

    assert place == (name, "[key]")
    assert message.startswith("a header's name has letters, digits and ")


@pytest.mark.parametrize(
    "value", ["a\r\nb: c", "\r", "\n", "a\n", "\x00", "\x1f", "\x7f", "\u00e9", "\u2603", "\ud800"]
)
def test_a_value_that_no_header_can_carry_is_refused_at_the_place_of_its_header(value: str) -> None:
    place, message = refusal_of({"x-token": value})

    assert place == ("x-token",)
    assert message == "a header's value has printable ASCII characters, spaces and tabs only"


@pytest.mark.parametrize("value", [1, None, ["a"], True])
def test_a_value_is_a_text(value: object) -> None:
    place, _ = refusal_of({"x-token": value})

    assert place == ("x-token",)


def test_more_headers_than_a_request_should_have_are_refused() -> None:
    place, message = refusal_of({f"x-{number}": "a" for number in range(MAX_HEADERS + 1)})

    assert place == ()
    assert f"at most {MAX_HEADERS} items" in message


def test_headers_that_are_too_long_together_are_refused() -> None:
    place, message = refusal_of({"x": "a" * (MAX_HEADERS_BYTES // 2), "y": "a" * (MAX_HEADERS_BYTES // 2)})

    assert place == ()
    assert message == f"the headers' names and values have more than {MAX_HEADERS_BYTES} bytes"


def test_a_header_that_is_given_twice_is_refused_with_its_name() -> None:
    assert refusal_of({"X-Token": "a", "y": "b", "x-token": "c"}) == (
        (),
        "the header x-token is given twice: a header's name is the same in upper and lower case",
    )
