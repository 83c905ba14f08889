"""What the API promises on the wire."""

import re
import uuid

import pytest

from tests.end_to_end.client import Client

ROUTES = ["/v1/calculation/basic", "/v1/data/from-api"]
CALCULATION = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}


def test_root_points_to_the_documentation(client: Client) -> None:
    body = client.api.get("/").raise_for_status().json()
    assert set(body) == {"service_info", "documentation_swagger", "documentation_redoc"}
    assert body["documentation_swagger"].endswith("/docs")
    assert body["documentation_redoc"].endswith("/redoc")


def test_healthcheck_says_that_the_process_lives(client: Client) -> None:
    response = client.api.get("/healthcheck")
    assert (response.status_code, response.json()) == (200, {"state": "healthy"})


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
def test_an_accepted_task_is_answered_with_its_id_and_the_structure_of_its_outcome(client: Client, route: str) -> None:
    item = CALCULATION if "calculation" in route else {"name": "s", "url": client.source_url}
    response = client.post(route, [item])
    body = response.json()
    task_id = str(uuid.UUID(body["task_id"]))
    assert response.status_code == 200
    assert body == {
        "message": "Processing of your request has started",
        "task_id": task_id,
        "async_job_response_structure": {"results": [{}], "errors": [{}], "task_id": task_id},
    }


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


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (f'{{"callback_url": "http://r/", "message": [{{"num_1": {number}}}]}}', ["message", 0, "num_1"])
        for number in ("NaN", "Infinity", "-Infinity", "1e400", '"1"', "true")
    ]
    + [
        ('{"callback_url": "ftp://r/", "message": []}', ["callback_url"]),
        ('{"callback_url": "http://r/", "message": []}', ["message"]),
        ('{"callback_url": "http://r/"}', ["message"]),
    ],
)
def test_a_malformed_task_is_422_with_the_exact_place(client: Client, body: str, place: list[str | int]) -> None:
    response = client.api.post(ROUTES[0], content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert ["body", *place] in [error["loc"] for error in response.json()["detail"]]


@pytest.mark.parametrize("host", ["169.254.169.254", "127.0.0.1:1", "2130706433", "[::ffff:10.0.0.5]", "a.localhost"])
def test_a_request_to_what_is_not_public_is_422_with_the_reason(client: Client, host: str) -> None:
    forbidden = f"http://{host}/"
    callback = client.post(ROUTES[0], [CALCULATION], forbidden)
    source = client.post(ROUTES[1], [{"name": "s", "url": forbidden}])
    assert (callback.status_code, source.status_code) == (422, 422)
    places = [error["loc"] for response in (callback, source) for error in response.json()["detail"]]
    assert places == [["body", "callback_url"], ["body", "message", 0, "url"]]
    assert "is not public" in callback.json()["detail"][0]["msg"]


def test_what_is_no_json_is_422(client: Client) -> None:
    response = client.api.post(ROUTES[0], content="{", headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert response.json()["detail"][0]["type"] == "json_invalid"


@pytest.mark.parametrize("items", [1, 1000])
def test_a_task_has_up_to_1000_items(client: Client, items: int) -> None:
    message = [{**CALCULATION, "name": str(number)} for number in range(items)]
    outcome = client.outcome(client.submit(ROUTES[0], message))
    assert outcome["results"] == [{str(number): 3} for number in range(items)]


def test_1001_items_are_422(client: Client) -> None:
    response = client.post(ROUTES[0], [CALCULATION] * 1001)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "message"]


def test_a_task_that_no_sqs_message_can_hold_is_413_with_its_size_and_the_limit(client: Client) -> None:
    item = {"name": "big", "url": client.source_url, "method": "POST", "payload": {"text": "x" * 1_048_576}}
    response = client.post(ROUTES[1], [item])
    assert response.status_code == 413
    sizes = [int(word) for word in response.json()["detail"].split() if word.isdigit()]
    assert len(sizes) == 2
    assert sizes[0] > 1_048_576 > sizes[1]


def test_a_task_just_below_the_limit_is_worked(client: Client) -> None:
    item = {"name": "large", "url": client.source_url, "method": "POST", "payload": {"text": "x" * 1_040_000}}
    outcome = client.outcome(client.submit(ROUTES[1], [item]))
    assert [list(entry) for entry in outcome["results"]] == [["large"]]
