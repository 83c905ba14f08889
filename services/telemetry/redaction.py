"""Keeps secrets out of what anyone may read: logs, reasons, alerts, answers."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, unquote

from pydantic import BaseModel, SecretStr

MASK = "***"

SHORTEST_SECRET = 8
"""What is shorter is no secret, and would be found in ordinary words: LocalStack's key is `test`."""

HIDDEN = "…"

# In prose a URL ends at white space, or at a quote or a bracket of markup. These can stand in a URL too: its address
# goes on where more than punctuation follows, its query and fragment do to the white space, for they hold secrets.
_QUOTE = "\"'<>`"
_PUNCTUATION = ".,:;!?(){}[]\\"
_QUOTE_WITHIN = rf"[{_QUOTE}](?![{re.escape(_PUNCTUATION)}]*(?:[\s{_QUOTE}]|$))"
_AFTER_SCHEME = re.compile(rf"://(?P<address>(?:[^\s{_QUOTE}?#]|{_QUOTE_WITHIN})*)(?P<secrets>[?#]\S*)?")

# In the path too, which may be a URL itself.
_USER_PART = re.compile(r"//[^/]*@")

# Read by AWS's SDK itself, not by our settings.
_AWS_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

# Read by OpenTelemetry's SDK: `key=value`, separated by commas, where a value may be percent-encoded
# (https://opentelemetry.io/docs/specs/otel/protocol/exporter).
_OTLP_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")

# Of every signing secret (Standard Webhooks 1.0, "Signature scheme"); the key behind it is as secret without it.
_SIGNING_SECRET_PREFIX = "whsec_"  # noqa: S105  # no secret itself


class Redactor:
    """Replaces the secrets that it has been given."""

    def __init__(self) -> None:
        self._spellings: frozenset[str] = frozenset()
        self._pattern = re.compile("(?!)")  # finds nothing

    def hide(self, secrets: Iterable[str]) -> None:
        """Replace these from now on too, as they are and as URLs, JSON and Python's repr spell them."""
        # A set of its own: another thread may be looking through the one before.
        self._spellings = self._spellings.union(*(_spellings(each) for each in secrets if len(each) >= SHORTEST_SECRET))
        longest_first = sorted(self._spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def redact(self, text: str) -> str:
        """Return the text with `***` for each secret."""
        # Few texts have one, and to look for each by itself takes a fraction of what the pattern takes.
        return self._pattern.sub(MASK, text) if any(map(text.__contains__, self._spellings)) else text


_redactor = Redactor()
redact = _redactor.redact


def without_secrets(text: str) -> str:
    """Return what may be shown of a text that a library, a server or a user wrote: no secret, in URLs or elsewhere."""
    return redact(without_url_secrets(text))


def hide_secrets_of(settings: BaseModel) -> None:
    """Let `redact` replace every SecretStr of the settings, and the credentials that libraries take from the shell."""
    _redactor.hide(_secrets_in(list(dict(settings).values())))
    _redactor.hide(os.environ.get(name, "") for name in _AWS_SECRETS)
    _redactor.hide(value for name in _OTLP_HEADERS for value in _header_values(os.environ.get(name, "")))


def _header_values(headers: str) -> Iterator[str]:
    for header in headers.split(","):
        value = header.partition("=")[2].strip()
        yield from (value, unquote(value))


def _secrets_in(value: Any) -> Iterator[str]:
    match value:
        case SecretStr():
            # A setting may hold several while one is rotated.
            yield from value.get_secret_value().replace(",", " ").split()
        case list() | tuple():
            for each in value:
                yield from _secrets_in(each)


def _spellings(secret: str) -> set[str]:
    escaped = repr(secret)[1:-1]
    return {
        secret,
        secret.removeprefix(_SIGNING_SECRET_PREFIX),
        quote(secret, safe="", errors="replace"),
        escaped,
        *(json.dumps(text)[1:-1] for text in (secret, escaped)),
    }


def without_url_secrets(text: str) -> str:
    """Return the text with every URL in it stripped of user and password, query values and fragment."""
    return _AFTER_SCHEME.sub(_hide_secrets_of_url, text)


def _hide_secrets_of_url(url: re.Match[str]) -> str:
    address, secrets = _USER_PART.sub("//", f"//{url['address']}"), url["secrets"] or ""
    inside = secrets.rstrip(_QUOTE + _PUNCTUATION)
    behind = secrets[len(inside) :]
    query = inside.partition("#")[0].removeprefix("?")
    if not query:
        return f":{address}{behind}"
    return f":{address}?{'&'.join(map(_without_value, query.split('&')))}{behind}"


def _without_value(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}={HIDDEN}" if equals else HIDDEN
