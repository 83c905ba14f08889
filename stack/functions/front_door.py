"""`python -m stack.functions.front_door`: the API's function URL, at the port that the API has in every mode.

LocalStack knows a function URL by the host name of a request, and no resolver of a machine knows that name.
https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

HOST = "127.0.0.1"

# They are of one connection (RFC 9110, section 7.6.1), or said anew for the other one.
_NOT_PASSED_ON = frozenset(
    {hdrs.CONNECTION, hdrs.KEEP_ALIVE, hdrs.TRANSFER_ENCODING, hdrs.UPGRADE, hdrs.TE, hdrs.TRAILER, hdrs.HOST}
)

_SESSION = web.AppKey("session", aiohttp.ClientSession)


class FrontDoor:
    """Passes requests on to a function URL, as they are."""

    def __init__(self, localstack_url: str, function_url_file: Path) -> None:
        """`function_url_file` has the URL as it was deployed last."""
        self._localstack_url = localstack_url.rstrip("/")
        self._function_url_file = function_url_file

    def application(self) -> web.Application:
        """Return what serves it."""
        app = web.Application(client_max_size=0)
        app.cleanup_ctx.append(_open_session)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        return app

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        try:
            host = urlsplit(self._function_url_file.read_text()).netloc
        except OSError:
            return web.json_response({"detail": "The function of the API is not deployed: `make up`."}, status=503)
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if _is_passed_on(name))
        headers[hdrs.HOST] = host
        try:
            async with request.app[_SESSION].request(
                request.method,
                URL(f"{self._localstack_url}{request.raw_path}", encoded=True),
                headers=headers,
                data=request.content if request.can_read_body else None,
                allow_redirects=False,
            ) as answer:
                return await _answer(request, answer)
        except aiohttp.ClientError as error:
            return web.json_response({"detail": f"LocalStack does not answer: {error}"}, status=502)


async def _open_session(app: web.Application) -> AsyncIterator[None]:
    # What comes back is passed on as it is, compressed or not; LocalStack itself knows when it has waited long enough.
    async with aiohttp.ClientSession(
        auto_decompress=False, timeout=aiohttp.ClientTimeout(), skip_auto_headers=(hdrs.USER_AGENT,), trust_env=False
    ) as session:
        app[_SESSION] = session
        yield


async def _answer(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    headers = CIMultiDict((name, value) for name, value in answer.headers.items() if _is_passed_on(name))
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


def _is_passed_on(name: str) -> bool:
    return name.title() not in _NOT_PASSED_ON


def main() -> None:
    """Serve on loopback at `API_PORT` until asked to stop."""
    door = FrontDoor(os.environ["AWS_ENDPOINT_URL"], Path(os.environ["FUNCTION_URL_FILE"]))
    web.run_app(door.application(), host=HOST, port=int(os.environ["API_PORT"]), access_log=None, print=None)


if __name__ == "__main__":
    main()
