"""Who may call the console: pages of its own, from this machine. It can read every queue, and move what is in them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.answers import HEADERS, error_answer

SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not let in."""

    status: HTTPStatus
    detail: str


def refusal_of(method: str, path: str, headers: Mapping[str, str], allowed_hosts: Collection[str]) -> Refusal | None:
    """Return why a request is refused, None where it may pass.

    A name that leads to this machine by DNS is no name of this machine's (DNS rebinding): only those are taken that
    loopback has, and the `allowed_hosts`. To another page's requests the API does not answer, even those that only
    read: a look into a queue hides its messages for a moment. Browsers tell whose page asks by Sec-Fetch-Site, and
    older ones by Origin; what sends neither is no browser (as Go's http.CrossOriginProtection has it).
    """
    host = headers.get("host", "")
    if not is_allowed_host(host, allowed_hosts):
        detail = (
            f"{host!r} is no name of the console's: open it as localhost, or list the name in CONSOLE_ALLOWED_HOSTS"
        )
        return Refusal(HTTPStatus.FORBIDDEN, detail)
    is_safe = method in SAFE_METHODS
    if (path.startswith("/api/") or not is_safe) and not is_same_origin(headers, host, is_safe=is_safe):
        return Refusal(HTTPStatus.FORBIDDEN, "The request comes from a page of another origin")
    if not is_safe and _media_type(headers.get("content-type", "")) != "application/json":
        return Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the request as Content-Type: application/json")
    return None


def is_allowed_host(host: str, allowed_hosts: Collection[str]) -> bool:
    """Tell whether the Host header names loopback, or one of the hosts, with whatever port."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or name in {each.lower() for each in allowed_hosts} or _is_loopback(name)


def is_same_origin(headers: Mapping[str, str], host: str, *, is_safe: bool) -> bool:
    """Tell whether a request comes from the console's own page, or from no page at all."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        # "none" is an address that a person has typed.
        return site == "same-origin" or (is_safe and site == "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == host


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


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

        refusal = refusal_of(scope["method"], scope["path"], Headers(scope=scope), self._allowed_hosts)
        app = error_answer(refusal.detail, refusal.status) if refusal else self._app
        await app(scope, receive, send_with_headers)
