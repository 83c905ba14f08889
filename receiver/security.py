"""Who may look into the inbox and change it: its own page, from this machine, and what is no browser.

What the stack's services call is open to everybody, by whatever name: it takes callbacks and alerts, and shows nothing.
"""

from collections.abc import Collection, Mapping

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from web.same_origin import SAFE_METHODS, Refusal, refusal_of_host, refusal_of_origin

OPEN_PATHS = frozenset({"/callback", "/slack/api/chat.postMessage", "/source", "/healthcheck"})

PAGES = frozenset({"/", "/docs", "/redoc"})
"""To these, links of other pages may lead."""


def refusal_of(
    method: str, path: str, scheme: str, headers: Mapping[str, str], allowed_hosts: Collection[str] | None
) -> Refusal | None:
    """Return why a request is refused, None where it may pass. Without `allowed_hosts` it may come by any name."""
    if path in OPEN_PATHS:
        return None
    refusal = (
        None
        if allowed_hosts is None
        else refusal_of_host(headers.get("host", ""), allowed_hosts, "RECEIVER_ALLOWED_HOSTS")
    )
    if refusal or (path in PAGES and method in SAFE_METHODS):
        return refusal
    return refusal_of_origin(method, scheme, headers)


class SecurityMiddleware:
    """Refuses what may not pass."""

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str] | None) -> None:
        self._app = app
        self._allowed_hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        app = self._app
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            refusal = refusal_of(scope["method"], scope["path"], scope["scheme"], headers, self._allowed_hosts)
            if refusal:
                app = JSONResponse({"detail": refusal.detail}, refusal.status)
        await app(scope, receive, send)
