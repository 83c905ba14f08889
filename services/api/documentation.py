"""The API's OpenAPI document, its examples to the digit."""

from fastapi import Request, Response

from services.api.task_routes import EXAMPLE, TaskRoute
from services.primitives import exact_json


async def openapi(request: Request) -> Response:
    """Answer with the document. FastAPI would make floats of the numbers in its examples."""
    document = request.app.openapi()
    for route in request.app.routes:
        if isinstance(route, TaskRoute):
            content = document["paths"][route.path]["post"]["requestBody"]["content"]["application/json"]
            content["examples"][EXAMPLE]["value"] = route.example
    return Response(exact_json.dumps(document), media_type="application/json")
