"""Says in a sentence that a source has refused a request, and why."""

import httpx2

from services.outbound.problem_details import read_problem
from services.outbound.redirects import describe_redirect


async def describe_refusal(response: httpx2.Response) -> str:
    """Return what a streamed answer that is no 2xx says, such as `answered 404 Not Found: there is no such page`.

    It has the status with the standard's phrase, where a redirect leads, and of Problem Details (RFC 9457) title and
    detail; no secrets. It raises nothing, and takes a second at the most.
    """
    status = response.status_code
    # The standard's phrase: the source's own could be anything.
    phrase = httpx2.codes.get_reason_phrase(status)
    answered = f"answered {status} {phrase}".rstrip()
    redirect = describe_redirect(status, response.headers.get("location"), str(response.url))
    problem = [text for text in await read_problem(response) if text.lower() != phrase.lower()]
    return ": ".join([f"{answered}{redirect}", *problem])
