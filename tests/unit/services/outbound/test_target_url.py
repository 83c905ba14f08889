"""Where a URL leads, what a request says there, and what cannot be sent."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.outbound.target_url import URL_PATTERN, UrlError, parse_url, target_of
from services.queueing.decisions import DeadLetter, RetryPolicy, decide_after_failure

VISIBLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("http://receiver", ("http", "receiver", 80, "receiver", "/")),
        ("HTTPS://Receiver/A", ("https", "receiver", 443, "receiver", "/A")),
        ("http://receiver?a", ("http", "receiver", 80, "receiver", "/?a")),
        ("http://receiver/?", ("http", "receiver", 80, "receiver", "/?")),
        ("http://receiver:80/", ("http", "receiver", 80, "receiver:80", "/")),
        ("http://receiver:/", ("http", "receiver", 80, "receiver", "/")),
        ("http://receiver.:9000/", ("http", "receiver.", 9000, "receiver:9000", "/")),
        ("http://[::FFFF:8.8.8.8]:1/", ("http", "::ffff:808:808", 1, "[::ffff:808:808]:1", "/")),
        ("http://0x08.8.2056/", ("http", "8.8.8.8", 80, "8.8.8.8", "/")),
        ("http://b\u00fccher.example/", ("http", "xn--bcher-kva.example", 80, "xn--bcher-kva.example", "/")),
        ("http://stra\u00dfe.example/", ("http", "xn--strae-oqa.example", 80, "xn--strae-oqa.example", "/")),
        ("http://user:pass@receiver//a/./../b", ("http", "receiver", 80, "receiver", "//a/./../b")),
        ("http://receiver/#\u00e9 ?@", ("http", "receiver", 80, "receiver", "/")),
        ("http://r3---sn-a.b_c/", ("http", "r3---sn-a.b_c", 80, "r3---sn-a.b_c", "/")),
    ],
)  # fmt: skip
def test_where_a_url_leads(url: str, called: tuple[str, str, int, str, str]) -> None:
    target = parse_url(url)

    assert (target.scheme, target.host, target.port, target.host_header, target.request_target) == called
    assert target.authorization == ("Basic dXNlcjpwYXNz" if "user:pass@" in url else None)
    assert re.search(URL_PATTERN, url)


@given(st.text(VISIBLE_ASCII.translate({ord(each): None for each in "?#"})), st.none() | st.text(VISIBLE_ASCII))
def test_path_and_query_are_what_was_given(path: str, query: str | None) -> None:
    question = "" if query is None else f"?{query.replace('#', '')}"

    url = f"http://receiver/{path}{question}#fragment"

    assert parse_url(url).request_target == f"/{path}{question}"
    assert re.search(URL_PATTERN, url)


@pytest.mark.parametrize(
    "url",
    [
        "receiver",
        "ftp://receiver/",
        "HTTP://",
        "http://:80",
        "http:///path",
        "http://?query",
        "http://#fragment",
        "http://user@",
        "http://[]/",
        "http://re ceiver/",
        "http://user:p@ss@receiver/",
        "http://receiver:123456/",
        "http://receiver:eighty/",
        "http://receiver/a b",
        "http://receiver/?a=\u00e9",
        "http://receiver/\r\nx: y",
    ],
)
def test_what_is_refused_for_its_form_is_not_of_the_form_that_is_published(url: str) -> None:
    assert not re.search(URL_PATTERN, url)
    with pytest.raises(UrlError):
        parse_url(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "the URL is not of the form http"),
        ("receiver", "the URL is not of the form http"),
        ("http\u017f://receiver/", "the URL is not of the form http"),
        ("ftp://receiver/", "the URL is not of the form http"),
        ("http://user:p@ss@receiver/", "in whose user and password @ : / . # . . .* are percent-encoded"),
        ("http://", "the URL's host '' is no name and no address"),
        ("http:///path", "the URL's host '' is no name and no address"),
        ("http://re ceiver/", "the URL's host 're ceiver' is no name and no address"),
        ("http://receiver/a b", "the URL's path has ' ', which cannot be sent as it is: percent-encode it"),
        ("http://receiver/?a=\u00e9", "the URL's query has '\u00e9', which cannot be sent"),
        ("http://receiver/\r\nx: y", r"the URL's path has '\\r', which cannot be sent"),
        ("http://receiver/\x7f", r"the URL's path has '\\x7f', which cannot be sent"),
        ("http://us\u00e9r@receiver/", "the URL's userinfo has '\u00e9', which cannot be sent"),
        ("http://us%3Aer:pass@receiver/", "the URL's user has a colon, which Basic authentication cannot send"),
        ("http://user:pa%0Ass@receiver/", "the URL's user or password has a control character"),
        ("http://us%00er@receiver/", "the URL's user or password has a control character"),
        ("http://receiver:0/", "the URL's port does not go from 1 to 65535"),
        ("http://receiver:65536/", "the URL's port does not go from 1 to 65535"),
        (f"http://receiver:{'0' * 5000}80/", "the URL is not of the form http"),
        ("http://a..b/", "the URL's host 'a..b' is no name that can be looked up"),
        (f"http://{'a' * 64}.example/", "is no name that can be looked up"),
        (f"http://{'a.' * 127}a/", "is no name that can be looked up"),
        ("http://a'b/", "is no name that can be looked up"),
        ("http://1.2.3.4.5/", "the URL's host '1.2.3.4.5' is no name and no address"),
        ("http://\u2603.example/", "the URL's host 'xn--n3h.example' is no name by IDNA 2008"),
        ("http://xn--n3h.example/", "the URL's host 'xn--n3h.example' is no name by IDNA 2008"),
        ("http://xn--a.example/", "the URL's host 'xn--a.example' is no name and no address"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(UrlError, match=reason):
        parse_url(url)


def test_a_task_whose_url_can_never_be_called_is_not_tried_again() -> None:
    with pytest.raises(UrlError) as refused:
        target_of("http://us%3Aer:pass@receiver/")

    decision = decide_after_failure(refused.value, 1, RetryPolicy(3, (1,)), 0.5, {})

    assert isinstance(decision, DeadLetter)
    assert decision.reason.startswith("the URL's user has a colon")


def test_a_refusal_is_short_whatever_it_refuses() -> None:
    with pytest.raises(UrlError) as refused:
        parse_url(f"http://{'a.' * 4000}b/")

    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("userinfo", "sent"),
    [
        ("user:pass", b"user:pass"),
        ("user", b"user:"),
        (":pass", b":pass"),
        ("us%C3%A9r:p%E2%82%ACss", "us\u00e9r:p\u20acss".encode()),
        ("user:a:b%3ac", b"user:a:b:c"),
        ("user:100%", b"user:100%"),
        ("user:p%E4ss", b"user:p\xe4ss"),
        ("a!$&'()*+,;=~:b", b"a!$&'()*+,;=~:b"),
    ],
)
def test_the_bytes_of_user_and_password_are_those_that_are_percent_encoded(userinfo: str, sent: bytes) -> None:
    authorization = parse_url(f"http://{userinfo}@receiver/").authorization

    assert authorization == f"Basic {base64.b64encode(sent).decode()}"


@pytest.mark.parametrize("userinfo", ["", ":"])
def test_an_empty_user_without_a_password_is_none(userinfo: str) -> None:
    assert parse_url(f"http://{userinfo}@receiver/").authorization is None


def test_a_target_shows_no_user_no_password_and_no_fragment() -> None:
    target = parse_url("https://user:pass@receiver:443/a?b#c")

    assert str(target) == "https://receiver:443/a?b"
    assert "Basic" not in repr(target)


@pytest.mark.parametrize(
    ("accepted", "called"),
    [
        ("http://receiver/a?{b}", "http://receiver/a?{b}"),
        (" http:\\\\receiver\\\u00e9 ", "http://receiver/%C3%A9"),
        ("http://user:p@ss@receiver/?a b", "http://receiver/?a%20b"),
    ],
)
def test_what_earlier_releases_accepted_is_called_as_they_did(accepted: str, called: str) -> None:
    assert str(target_of(accepted)) == called


@pytest.mark.parametrize("url", ["", "receiver", "http://", "http://a%3Ab:c@receiver/", "http://receiver:0/"])
def test_what_can_never_be_called_has_no_target(url: str) -> None:
    with pytest.raises(UrlError):
        target_of(url)
