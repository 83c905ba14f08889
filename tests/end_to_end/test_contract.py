"""What the API promises on the wire."""

import re

import pytest

from tests.end_to_end.client import Client

ROUTES = ["/v1/calculation/basic", "/v1/data/from-api"]
CALCULATION = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}


def test_readyz_is_200_while_the_queues_answer(client: Client) -> None:
    response = client.api.get("/readyz")
    assert response.status_code == 200
    assert set(response.json()["queues"].values()) == {"ok"}


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_interactive_documentation_is_served_without_the_internet(client: Client, page: str) -> None:
    response = client.api.get(page)
    assert response.status_code == 200
    scripts = re.findall(r'<script[^>]* src="([^"]+)"', response.text)
    assert scripts
    for script in scripts:
        assert client.api.get(script).status_code == 200, script


@pytest.mark.parametrize("route", ROUTES)
def test_the_example_of_the_documentation_runs_as_it_is(client: Client, route: str) -> None:
    document = client.api.get("/openapi.json").json()
    content = document["paths"][route]["post"]["requestBody"]["content"]["application/json"]
    example = content["examples"]["example"]["value"]
    response = client.api.post(route, json=example)
    assert response.status_code == 200, response.text
    outcome = client.outcome(response.json()["task_id"])
    names = [name for entry in outcome["results"] + outcome["errors"] for name in entry]
    assert names == [item["name"] for item in example["message"]]


@pytest.mark.parametrize("host", ["169.254.169.254", "127.0.0.1:1", "2130706433", "[::ffff:10.0.0.5]", "a.localhost"])
def test_a_request_to_what_is_not_public_is_422_with_the_reason(client: Client, host: str) -> None:
    forbidden = f"http://{host}/"
    callback = client.post(ROUTES[0], [CALCULATION], forbidden)
    source = client.post(ROUTES[1], [{"name": "s", "url": forbidden}])
    assert (callback.status_code, source.status_code) == (422, 422)
    places = [error["loc"] for response in (callback, source) for error in response.json()["detail"]]
    assert places == [["body", "callback_url"], ["body", "message", 0, "url"]]
    assert "is not public" in callback.json()["detail"][0]["msg"]


@pytest.mark.parametrize("items", [1, 1000])
def test_a_task_has_up_to_1000_items(client: Client, items: int) -> None:
    message = [{**CALCULATION, "name": str(number)} for number in range(items)]
    outcome = client.outcome(client.submit(ROUTES[0], message))
    assert outcome["results"] == [{str(number): 3} for number in range(items)]


def test_a_task_just_below_the_limit_is_worked(client: Client) -> None:
    item = {"name": "large", "url": client.source_url, "method": "POST", "payload": {"text": "x" * 1_040_000}}
    outcome = client.outcome(client.submit(ROUTES[1], [item]))
    assert [list(entry) for entry in outcome["results"]] == [["large"]]
