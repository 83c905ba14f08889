"""What the API promises on the wire."""

import gzip
from typing import Any

import httpx
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


@pytest.mark.parametrize("encode", [gzip.compress, bytes], ids=["compressed", "only said to be"])
def test_a_compressed_body_is_refused(client: Client, encode: Any) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    response = client.api.post(ROUTES[0], content=encode(b"{}"), headers=headers)

    assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")
    assert response.json() == {"detail": "Send the task as it is, without Content-Encoding: gzip."}


def test_the_documentation_is_where_the_api_says(client: Client) -> None:
    said = client.api.get("/").json()

    for link in (said["documentation_swagger"], said["documentation_redoc"]):
        assert httpx.get(link, trust_env=False).status_code == 200


@pytest.mark.parametrize("path", ["/_localstack/health", "/_aws/sqs/messages", "//other.example/x", "/@other/x"])
def test_a_path_that_the_api_has_not_is_its_404(client: Client, path: str) -> None:
    response = client.api.get(f"{str(client.api.base_url).rstrip('/')}{path}")

    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})
