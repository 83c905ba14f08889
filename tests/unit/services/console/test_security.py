"""Who may call the console."""

import pytest

from services.console.security import refusal_of

HOST = "localhost:8080"


def status_of(method: str, path: str = "/api/state", **headers: str) -> int | None:
    sent = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    refusal = refusal_of(method, path, "http", sent, [])
    return refusal.status if refusal else None


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/state", "/healthcheck"])
def test_a_foreign_name_is_refused_for_every_path(path: str) -> None:
    refusal = refusal_of("GET", path, "http", {"host": "evil.example"}, [])
    assert refusal is not None
    assert refusal.status == 403
    assert "CONSOLE_ALLOWED_HOSTS" in refusal.detail


def test_the_consoles_own_page_may_post_json() -> None:
    json = {"content_type": "application/json; charset=utf-8"}
    assert status_of("POST", sec_fetch_site="same-origin", origin=f"http://{HOST}", **json) is None
    assert status_of("POST", origin=f"http://{HOST}", **json) is None


def test_what_is_no_browser_may_post_json() -> None:
    assert status_of("POST", content_type="application/json") is None


@pytest.mark.parametrize(
    "headers",
    [{"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "none"}, {"origin": f"https://{HOST}"}, {"origin": "null"}],
)
def test_a_post_from_another_page_is_refused(headers: dict[str, str]) -> None:
    assert status_of("POST", content_type="application/json", **headers) == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_every_method_that_may_change_something_is_checked(method: str) -> None:
    assert status_of(method, "/", content_type="application/json", sec_fetch_site="cross-site") == 403


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_form_of_another_page_could_send_is_no_json(content_type: str) -> None:
    assert status_of("POST", content_type=content_type) == 415


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_another_page_cannot_make_it_look_into_a_queue(method: str) -> None:
    assert status_of(method, "/api/dead-letters", sec_fetch_site="cross-site") == 403
    assert status_of(method, "/api/dead-letters", sec_fetch_site="none") is None
    assert status_of(method, "/api/dead-letters") is None


def test_a_link_of_another_page_may_lead_to_the_console() -> None:
    assert status_of("GET", "/", sec_fetch_site="same-site") is None
