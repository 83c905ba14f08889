"""What the API is measured against does what the API does, as far as its client sees."""

import httpx
from fastapi import FastAPI

from bench.api_variants import no_sqs, single_sends
from services.api.app import create_app
from services.api.settings import ApiSettings
from services.task_types.loading import load_task_types

ROUTE = "/v1/calculation/basic"


def operation(app: FastAPI) -> tuple[object, object]:
    """The request body and the answer of the route, as they are documented."""
    documented = app.openapi()["paths"][ROUTE]["post"]
    [body] = documented["requestBody"]["content"].values()
    return body["schema"], documented["responses"]["200"]


def test_the_request_and_the_answer_are_the_same() -> None:
    api = create_app(ApiSettings(), load_task_types(["services.tasks"]))
    assert operation(no_sqs()) == operation(single_sends(ApiSettings())) == operation(api)


async def test_what_is_malformed_is_refused() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(no_sqs()), base_url="http://api") as client:
        assert (await client.post(ROUTE, json={"message": []})).status_code == 422
