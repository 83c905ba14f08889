"""What the API promises on the wire."""

import pytest

from tests.end_to_end.client import Client

ROUTES = ["/v1/calculation/basic", "/v1/data/from-api"]
CALCULATION = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}


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


def test_a_task_just_below_the_limit_is_worked(client: Client) -> None:
    item = {"name": "large", "url": client.source_url, "method": "POST", "payload": {"text": "x" * 1_040_000}}
    outcome = client.outcome(client.submit(ROUTES[1], [item]))
    assert [list(entry) for entry in outcome["results"]] == [["large"]]
