"""Reads what an error answer says of itself: Problem Details for HTTP APIs (RFC 9457)."""

import asyncio
from contextlib import suppress

import httpx2

from services.outbound.http_client import HTTP_ERRORS
from services.outbound.response_body import ResponseTooLargeError, read_body
from services.primitives import exact_json
from services.telemetry.redaction import without_secrets

_MEDIA_TYPE = "application/problem+json"
_MOST_BYTES = 16_384
_LONGEST_SECONDS = 1.0
_LONGEST_TEXT = 300


async def read_problem(response: httpx2.Response) -> list[str]:
    """Return `title` and `detail` of a streamed error answer, those of them that say something; without secrets.

    It raises nothing: the status is known, and what cannot be read in a moment adds nothing to it.
    """
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != _MEDIA_TYPE:
        return []
    problem = None
    with suppress(TimeoutError, ResponseTooLargeError, *HTTP_ERRORS):
        async with asyncio.timeout(_LONGEST_SECONDS):
            problem = exact_json.loads(await read_body(response, _MOST_BYTES))
    if not isinstance(problem, dict):
        return []
    return [text for text in map(_text_of, (problem.get("title"), problem.get("detail"))) if text]


def _text_of(value: object) -> str:
    return without_secrets(" ".join(value.split()))[:_LONGEST_TEXT] if isinstance(value, str) else ""
