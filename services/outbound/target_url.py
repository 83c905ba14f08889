"""Reads the URLs of requests that are made for users: one reading says where a request goes and what it says there.

The request target goes out byte for byte as the user gave it: whoever signs or compares it (presigned URLs, webhook
gateways) sees what was signed. The libraries' own URLs (pydantic's, httpx2's, yarl's) each rewrite it in another way.
"""

import base64
import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import idna
from pydantic import HttpUrl, TypeAdapter, ValidationError

from services.errors import PermanentError

MAX_URL_LENGTH = 8192
"""Characters of a URL that are taken: a presigned URL with its session token has up to half of them, and servers read
request lines of 8000 bytes (RFC 9112, section 3)."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
PORTS = range(1, 65_536)

# Regular expressions of ECMA-262 and of Python alike.
_USERINFO = r"[^\[\]@\\/?#]*"
# What pydantic reads as nothing but a host.
_HOST_TEXT = r"\[[0-9A-Fa-f:.]+\]|[^\[\]@\\/?#:\x00-\x20\x7f]+"
_PORT = "[0-9]{0,5}"

URL_PATTERN = (
    rf"^[Hh][Tt][Tt][Pp][Ss]?://(?:{_USERINFO}@)?(?:{_HOST_TEXT})(?::{_PORT})?"
    r"(?:/[!-\x22$->@-~]*)?(?:\?[!-\x22$-~]*)?(?:#[\s\S]*)?$"
)
"""The form of what `parse_url` takes, for a JSON Schema: which hosts and ports there are, such a pattern cannot say
(JSON Schema 2020-12, section 6.4)."""

# Its parts as RFC 3986, appendix B, separates them, without what readers of URLs disagree on: a backslash, or an @
# that is not encoded, in the authority.
_URL = re.compile(
    rf"(?P<scheme>https?)://(?:(?P<userinfo>{_USERINFO})@)?(?P<host>\[[^][@\\/?#]*]|[^][@\\/?#:]*)(?::(?P<port>{_PORT}))?"
    r"(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?:#.*)?",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
# What a request line can carry as it is (RFC 9112, section 3). RFC 3986 has not all of it, yet its bytes are plain.
_NOT_VISIBLE = re.compile(r"[^\x21-\x7e]")
# RFC 7617, section 2.
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

_HOST = re.compile(_HOST_TEXT)
# The syntax of names that are looked up in the DNS (RFC 3986, section 3.2.2; RFC 1123, section 2.1), and what is in use
# beside it.
_HOST_NAME = re.compile(r"(?=.{1,253}\.?$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")

# It reads hosts by https://url.spec.whatwg.org/#host-parsing: names in Unicode, percent-encoded, addresses as numbers.
_HTTP_URL = TypeAdapter(HttpUrl)

_LONGEST_QUOTE = 100

# Many tasks lead to few URLs and hosts.
_REMEMBERED = 1024


class UrlError(PermanentError, ValueError):
    """The text is no URL that a request can be made for, now or later; it says what to change."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes, and what it says there."""

    scheme: str
    host: str
    """As it is looked up or dialled: an address without brackets, or a name in lower-case ASCII."""
    port: int
    host_header: str
    """The host, with the port where the URL has one (RFC 9110, section 7.2)."""
    request_target: str
    """Path and query, as the user gave them (RFC 9112, section 3.2.1)."""
    authorization: str | None = field(repr=False)
    """What the URL's user and password are as a header (RFC 7617); None where it has none."""

    def __str__(self) -> str:
        """Return the URL without user, password and fragment."""
        return f"{self.scheme}://{self.host_header}{self.request_target}"


@lru_cache(_REMEMBERED)
def parse_url(text: str) -> Target:
    """Read a URL that a user gives. Raises UrlError for what cannot be sent as it is."""
    parts = _URL.fullmatch(text)
    if not parts:
        raise UrlError(
            "the URL is not of the form http(s)://host:port/path?query, in whose user and password @ : / ? # [ ] \\ are"
            " percent-encoded"
        )
    for name in ("userinfo", "path", "query"):
        _refuse_invisible(parts[name] or "", name)
    scheme, host = parts["scheme"].lower(), read_host(parts["host"])
    port = int(parts["port"] or _DEFAULT_PORTS[scheme])
    if port not in PORTS:
        raise UrlError("the URL's port does not go from 1 to 65535")
    return Target(
        scheme=scheme,
        host=host,
        port=port,
        host_header=_host_header(host, port if parts["port"] else None),
        request_target=f"{parts['path'] or '/'}{parts['query'] or ''}",
        authorization=_authorization(parts["userinfo"] or ""),
    )


def has_credentials(text: str) -> bool:
    """Return whether it is a URL with a user or a password."""
    try:
        return parse_url(text).authorization is not None
    except UrlError:
        return False


def target_of(text: str) -> Target:
    """Return where the URL of a task that was accepted leads, or that of its code. Raises UrlError where it cannot."""
    return parse_url(understood_url(text))


@lru_cache(_REMEMBERED)
def understood_url(text: str) -> str:
    """Return the URL of a task that was accepted, as it will be called; raises UrlError for what never was a URL.

    It is the text itself. Earlier releases took more, and called what pydantic made of it: so this is called still.
    """
    try:
        parse_url(text)
    except UrlError:
        return _as_earlier_releases_read(text)
    return text


def _as_earlier_releases_read(text: str) -> str:
    try:
        return str(_HTTP_URL.validate_python(text))
    except ValidationError as error:
        raise UrlError(f"the URL cannot be read: {error.errors()[0]['msg']}") from error


@lru_cache(_REMEMBERED)
def read_host(text: str) -> str:
    """Return a host as it is looked up or dialled; raises UrlError where none can be.

    Names in Unicode, and those that say the same in ASCII (`xn--…`), are those of IDNA 2008 (RFC 5891).
    """
    if not _HOST.fullmatch(text):
        raise UrlError(f"the URL's host {_quoted(text)} is no name and no address")
    try:
        host = (_HTTP_URL.validate_python(f"http://{text}/").host or "").strip("[]")
    except ValidationError as error:
        raise UrlError(f"the URL's host {_quoted(text)} is no name and no address") from error
    if ":" not in host:
        _check_name(host)
    return host


def _check_name(host: str) -> None:
    if not _HOST_NAME.fullmatch(host):
        raise UrlError(
            f"the URL's host {_quoted(host)} is no name that can be looked up: a-z, 0-9, - and _, parted by dots"
        )
    try:
        for label in host.split("."):
            if label.startswith("xn--"):
                idna.ulabel(label)
    except idna.IDNAError as error:
        raise UrlError(f"the URL's host {_quoted(host)} is no name by IDNA 2008: {error}") from error


def _quoted(host: str) -> str:
    return repr(host[:_LONGEST_QUOTE])


def _refuse_invisible(part: str, name: str) -> None:
    found = _NOT_VISIBLE.search(part)
    if found:
        raise UrlError(f"the URL's {name} has {found[0]!r}, which cannot be sent as it is: percent-encode it")


def _host_header(host: str, port: int | None) -> str:
    # A dot at the end is the resolver's business: servers and certificates know the name without.
    name = f"[{host}]" if ":" in host else host.rstrip(".")
    return name if port is None else f"{name}:{port}"


def _authorization(userinfo: str) -> str | None:
    """Return the header of user and password: their bytes as they are percent-encoded, UTF-8 in most cases."""
    user, _, password = (unquote_to_bytes(part) for part in userinfo.partition(":"))
    if not user and not password:
        return None
    if b":" in user:
        raise UrlError("the URL's user has a colon, which Basic authentication cannot send (RFC 7617)")
    if _CONTROL.search(user + password):
        raise UrlError(
            "the URL's user or password has a control character, which Basic authentication cannot send (RFC 7617)"
        )
    return f"Basic {base64.b64encode(user + b':' + password).decode()}"
