"""What people may read of a text: URLs carry credentials in their user part and their query."""

import re

HIDDEN = "…"

# Of a URL in prose: it ends at white space, and at a quote or a bracket of markup behind which no further character of
# a URL stands.
_INSIDE = r"[\"'<>`](?=[^\s\"'<>`.,:;!?(){}\[\]\\])"
_AFTER_SCHEME = re.compile(
    rf"://(?P<address>(?:[^\s\"'<>`?#]|{_INSIDE})*)"
    rf"(?:\?(?P<query>(?:[^\s\"'<>`#]|{_INSIDE})*))?(?:#(?:[^\s\"'<>`]|{_INSIDE})*)?"
)

# In the path too, which may be a URL itself.
_USER_PART = re.compile(r"//[^/]*@")


def without_url_secrets(text: str) -> str:
    """Return the text with every URL in it stripped of user and password, query values and fragment."""
    return _AFTER_SCHEME.sub(_shown, text)


def _shown(url: re.Match[str]) -> str:
    address = _USER_PART.sub("//", f"//{url['address']}")
    if not url["query"]:
        return f":{address}"
    return f":{address}?{'&'.join(map(_without_value, url['query'].split('&')))}"


def _without_value(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}={HIDDEN}" if equals else HIDDEN
