"""A sample data source, for trying data tasks offline."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse

from receiver import exact_json
from receiver.callbacks import STATUSES_WITHOUT_BODY, joined
from receiver.dependencies import Delay, RequestBody, wait_out
from receiver.exact_json import ExactJSONResponse

router = APIRouter(tags=["data source"])


@router.get("/source", summary="Fetch from the sample source")
@router.post("/source", summary="Post to the sample source")
async def source(
    request: Request,
    body: RequestBody,
    status: Annotated[int, Query(ge=200, le=599, description="Answer with this status")] = 200,
    delay: Delay = 0,
    text: Annotated[str | None, Query(description="Answer this as text/plain, no JSON")] = None,
) -> Response:
    """Answer in JSON what was asked: method, headers and the JSON posted (`payload`, null where there is none)."""
    await wait_out(delay, request)
    if status in STATUSES_WITHOUT_BODY:
        return Response(status_code=status)
    if text is not None:
        return PlainTextResponse(text, status)
    asked = {
        "source": "receiver",
        "method": request.method,
        "payload": exact_json.verbatim(body),
        "headers": joined(request.headers.items()),
    }
    return ExactJSONResponse(asked, status)
