"""Who may call a page's program: its own page, and what is no browser. Pure.

What it serves is for those at this machine; any page that they open can have their browser send requests to it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD"})

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not let in."""

    status: HTTPStatus
    detail: str


def refusal_of_host(host: str, allowed_hosts: Collection[str], setting: str) -> Refusal | None:
    """Return why a request with this Host header is refused, None where it may pass.

    A name that leads to this machine by DNS is no name of this machine's (DNS rebinding): only those are taken that
    loopback has, and the `allowed_hosts`, which that setting lists.
    """
    if is_allowed_host(host, allowed_hosts):
        return None
    detail = f"{host!r} is no name of this machine's: open it as localhost, or list the name in {setting}"
    return Refusal(HTTPStatus.FORBIDDEN, detail)


def refusal_of_origin(method: str, scheme: str, headers: Mapping[str, str]) -> Refusal | None:
    """Return why a request is refused by the page that it comes from, None where it may pass.

    Browsers say whose page asks by Sec-Fetch-Site, and older ones by Origin; what sends neither is no browser (as Go's
    http.CrossOriginProtection has it).
    """
    if is_same_origin(headers, scheme, is_safe=method in SAFE_METHODS):
        return None
    return Refusal(HTTPStatus.FORBIDDEN, "The request comes from a page of another origin")


def is_allowed_host(host: str, allowed_hosts: Collection[str]) -> bool:
    """Return whether the Host header names loopback, or one of the hosts, with whatever port."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or name in {each.lower() for each in allowed_hosts} or _is_loopback(name)


def is_same_origin(headers: Mapping[str, str], scheme: str, *, is_safe: bool) -> bool:
    """Return whether a request comes from the program's own page, or from no page at all."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        # "none" is an address that a person has typed.
        return site == "same-origin" or (is_safe and site == "none")
    if "origin" not in headers:
        return True
    own = _origin_of(f"{scheme}://{headers.get('host', '')}")
    return own is not None and _origin_of(headers["origin"]) == own


def _origin_of(url: str) -> tuple[str, str, int | None] | None:
    """Return scheme, host and port (RFC 6454, section 4); None of what has no origin."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
