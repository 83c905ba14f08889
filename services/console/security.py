"""Who may call the console: pages of its own, from this machine. It can read every queue, and move what is in them."""

from collections.abc import Collection, Mapping
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.answers import HEADERS, error_answer
from web.same_origin import SAFE_METHODS, Refusal, refusal_of_host, refusal_of_origin


def refusal_of(
    method: str, path: str, scheme: str, headers: Mapping[str, str], allowed_hosts: Collection[str]
) -> Refusal | None:
    """Return why a request is refused, None where it may pass.

    To another page's requests the API does not answer, even those that only read: a look into a queue hides its
    messages for a moment.
    """
    refusal = refusal_of_host(headers.get("host", ""), allowed_hosts, "CONSOLE_ALLOWED_HOSTS")
    is_safe = method in SAFE_METHODS
    if refusal is None and (path.startswith("/api/") or not is_safe):
        refusal = refusal_of_origin(method, scheme, headers)
    if refusal is None and not is_safe and _media_type(headers.get("content-type", "")) != "application/json":
        return Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the request as Content-Type: application/json")
    return refusal


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


class SecurityMiddleware:
    """Refuses what may not pass, and adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str]) -> None:
        self._app = app
        self._allowed_hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        refusal = refusal_of(scope["method"], scope["path"], scope["scheme"], headers, self._allowed_hosts)
        app = error_answer(refusal.detail, refusal.status) if refusal else self._app
        await app(scope, receive, send_with_headers)
