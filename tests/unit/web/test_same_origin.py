"""Who may call a page's program."""

import pytest

from web.same_origin import is_allowed_host, is_same_origin, refusal_of_host

HOST = "localhost:8080"


def is_own(*, scheme: str = "http", host: str = HOST, is_safe: bool = False, **headers: str) -> bool:
    sent = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return is_same_origin(sent, scheme, is_safe=is_safe)


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "console.test:80"],
)
def test_names_of_loopback_and_those_that_are_listed_are_taken(host: str) -> None:
    assert is_allowed_host(host, ["Console.test"])


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", "0.0.0.0", "[::1", "localhost@evil"],  # noqa: S104
)
def test_any_other_name_is_refused_whatever_address_it_has(host: str) -> None:
    assert not is_allowed_host(host, ["console.test"])


def test_the_refusal_of_a_name_says_where_to_list_it() -> None:
    refusal = refusal_of_host("evil.example", [], "CONSOLE_ALLOWED_HOSTS")

    assert refusal is not None
    assert (refusal.status, "'evil.example'" in refusal.detail) == (403, True)
    assert "CONSOLE_ALLOWED_HOSTS" in refusal.detail


def test_what_names_no_page_is_no_browser() -> None:
    assert is_own()


def test_browsers_of_today_say_that_it_is_the_same_origin() -> None:
    assert is_own(sec_fetch_site="same-origin")


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
@pytest.mark.parametrize("is_safe", [False, True])
def test_or_that_it_is_another(site: str, is_safe: bool) -> None:  # noqa: FBT001
    assert not is_own(sec_fetch_site=site, origin=f"http://{HOST}", is_safe=is_safe)


def test_a_typed_address_may_only_read() -> None:
    assert is_own(sec_fetch_site="none", is_safe=True)
    assert not is_own(sec_fetch_site="none")


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("http", HOST, f"http://{HOST}"),
        ("http", HOST, "HTTP://LOCALHOST:8080"),
        ("http", "localhost", "http://localhost:80"),
        ("https", "localhost:443", "https://localhost"),
        ("http", "[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_older_ones_send_an_origin_which_has_the_same_scheme_host_and_port(scheme: str, host: str, origin: str) -> None:
    assert is_own(scheme=scheme, host=host, origin=origin)


@pytest.mark.parametrize(
    "origin",
    [
        f"https://{HOST}",
        "http://localhost",
        "http://localhost:9000",
        "http://127.0.0.1:8080",
        "http://evil.example",
        "http://evil.example:x",
        "http://[::1",
        "null",
        "",
    ],
)
def test_or_another_one(origin: str) -> None:
    assert not is_own(origin=origin)
    assert not is_own(origin=origin, host="")
