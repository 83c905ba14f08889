"""The headers that a user may choose for a request."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

MAX_HEADERS = 64
MAX_HEADERS_BYTES = 16_384
"""Names and values together: as much as a server can be expected to read
(https://nodejs.org/api/cli.html#--max-http-header-sizesize)."""

# RFC 9110, sections 5.6.2 and 5.5, without the bytes beyond ASCII that are left to old fields.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e]*")

# The client alone knows where a message goes, where it ends, and what belongs to its connection
# (RFC 9110, sections 7.2, 8.6, 10.1.1, 7.6.1 and 11.7).
_SET_BY_CLIENT = {
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


def _name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError("a header's name has letters, digits and !#$%&'*+-.^_`|~ only")
    if name.lower() in _SET_BY_CLIENT or name.lower().startswith("proxy-"):
        raise ValueError(f"the header {name} cannot be chosen: the connection decides it")
    return name


def header_value(value: str) -> str:
    """Return the value; raise ValueError for one that no request can carry."""
    if not _FIELD_VALUE.fullmatch(value):
        raise ValueError("a header's value has printable ASCII characters, spaces and tabs only")
    return value


def _fit_a_request(headers: dict[str, str]) -> dict[str, str]:
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_HEADERS_BYTES:
        raise ValueError(f"the headers' names and values have more than {MAX_HEADERS_BYTES} bytes")
    names = [name.lower() for name in headers]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated:
        raise ValueError(f"the header {repeated} is given twice: a header's name is the same in upper and lower case")
    return headers


RequestHeaders = Annotated[
    dict[Annotated[str, AfterValidator(_name)], Annotated[str, AfterValidator(header_value)]],
    Field(max_length=MAX_HEADERS),
    AfterValidator(_fit_a_request),
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"pattern": f"^{_TOKEN.pattern}$"},
            "additionalProperties": {"type": "string", "pattern": f"^{_FIELD_VALUE.pattern}$"},
            "maxProperties": MAX_HEADERS,
        }
    ),
]
"""Header fields by name; what a request cannot carry, or must not say for itself, is refused at its place."""
