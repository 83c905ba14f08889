"""Who may look into an inbox that is on the internet, and change it: who has its token.

It is in the query of a request, `?token=…`, which suffices for programs. A browser keeps it in a cookie, so that the
page's own requests have it too.
"""

import secrets
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from receiver.security import OPEN_PATHS

TOKEN = "token"  # noqa: S105  # the name of the parameter, and of the cookie


class TokenMiddleware:
    """Refuses those who do not have the token all but what the services call."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        if self._is(request.query_params.get(TOKEN)):
            await self._app(scope, receive, _keeping(request, send))
        elif self._is(request.cookies.get(TOKEN)):
            await self._app(scope, receive, send)
        else:
            detail = "The inbox is for those who have its token: add it to the address, as ?token=…"
            await JSONResponse({"detail": detail}, HTTPStatus.FORBIDDEN)(scope, receive, send)

    def _is(self, given: str | None) -> bool:
        # In the same time, however much of it is right.
        return given is not None and secrets.compare_digest(given.encode(), self._token)


def _keeping(request: HTTPConnection, send: Send) -> Send:
    """Have the browser keep the token that it has given: for links that lead to the page, not for other pages' code."""
    kept = Response()
    is_secure = request.url.scheme == "https"
    kept.set_cookie(TOKEN, request.query_params[TOKEN], httponly=True, secure=is_secure, samesite="lax")

    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("Set-Cookie", kept.headers["Set-Cookie"])
        await send(message)

    return send_with_cookie
