"""Who may look into the inbox and change it."""

import httpx
import pytest

from receiver.security import refusal_of

HOST = "localhost:9000"
OWN = [
    ("GET", "/callbacks"),
    ("DELETE", "/callbacks"),
    ("GET", "/callbacks/summary"),
    ("GET", "/tasks"),
    ("GET", "/events"),
    ("GET", "/misbehaviour"),
    ("PUT", "/misbehaviour"),
    ("DELETE", "/misbehaviour"),
    ("GET", "/slack/messages"),
    ("DELETE", "/slack/messages"),
    ("PUT", "/slack/rate-limit"),
]
OPEN = [
    ("POST", "/callback"),
    ("POST", "/slack/api/chat.postMessage"),
    ("GET", "/source"),
    ("POST", "/source"),
    ("GET", "/healthcheck"),
]
PAGES = [("GET", "/"), ("HEAD", "/"), ("GET", "/docs")]


def status_of(method: str, path: str, host: str = HOST, **headers: str) -> int | None:
    sent = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    refusal = refusal_of(method, path, "http", sent, ["receiver"])
    return refusal.status if refusal else None


@pytest.mark.parametrize(("method", "path"), OWN)
def test_another_page_neither_reads_nor_empties_nor_controls_it(method: str, path: str) -> None:
    assert status_of(method, path, sec_fetch_site="cross-site") == 403
    assert status_of(method, path, sec_fetch_site="same-site") == 403
    assert status_of(method, path, origin="http://localhost:8080") == 403


@pytest.mark.parametrize(("method", "path"), OWN + PAGES + [("GET", "/static/page.js"), ("GET", "/openapi.json")])
def test_a_name_that_was_bound_to_this_machine_leads_to_none_of_it(method: str, path: str) -> None:
    assert status_of(method, path, host="evil.example:9000") == 403


@pytest.mark.parametrize(("method", "path"), OWN)
def test_its_own_page_and_what_is_no_browser_do(method: str, path: str) -> None:
    assert status_of(method, path) is None
    assert status_of(method, path, host="receiver:9000") is None
    assert status_of(method, path, sec_fetch_site="same-origin") is None
    assert status_of(method, path, origin=f"http://{HOST}") is None


@pytest.mark.parametrize(("method", "path"), OPEN)
@pytest.mark.parametrize("host", ["receiver:9000", "host.docker.internal:9000", "10.0.0.5", "hooks.example"])
def test_the_services_call_it_by_whatever_name(method: str, path: str, host: str) -> None:
    assert status_of(method, path, host=host) is None


@pytest.mark.parametrize(("method", "path"), PAGES)
def test_links_of_other_pages_may_lead_to_its_pages(method: str, path: str) -> None:
    assert status_of(method, path, sec_fetch_site="same-site") is None


async def test_every_route_but_those_of_the_services_is_protected(receiver: httpx.AsyncClient) -> None:
    paths = (await receiver.get("/openapi.json")).json()["paths"]
    routes = {(method.upper(), path) for path, operations in paths.items() for method in operations}

    assert routes == {*OWN, *OPEN, ("GET", "/")}


async def test_a_request_that_is_refused_changes_nothing_and_says_what_to_do(receiver: httpx.AsyncClient) -> None:
    await receiver.post("/callback", json={"task_id": "t-1"}, headers={"Host": "hooks.example"})

    refused = await receiver.delete("/callbacks", headers={"Host": "evil.example"})

    assert refused.status_code == 403
    assert "RECEIVER_ALLOWED_HOSTS" in refused.json()["detail"]
    assert len((await receiver.get("/callbacks")).json()["callbacks"]) == 1
