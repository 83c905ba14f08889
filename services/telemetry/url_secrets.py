"""What people may read of a text: URLs carry credentials in their user part and their query."""

import re

HIDDEN = "…"

# In prose a URL ends at white space, or at a quote or a bracket of markup. These can stand in a URL too: its address
# goes on where more than punctuation follows, its query and fragment do to the white space, for they hold secrets.
_QUOTE = "\"'<>`"
_PUNCTUATION = ".,:;!?(){}[]\\"
_QUOTE_WITHIN = rf"[{_QUOTE}](?![{re.escape(_PUNCTUATION)}]*(?:[\s{_QUOTE}]|$))"
_AFTER_SCHEME = re.compile(rf"://(?P<address>(?:[^\s{_QUOTE}?#]|{_QUOTE_WITHIN})*)(?P<secrets>[?#]\S*)?")

# In the path too, which may be a URL itself.
_USER_PART = re.compile(r"//[^/]*@")


def without_url_secrets(text: str) -> str:
    """Return the text with every URL in it stripped of user and password, query values and fragment."""
    return _AFTER_SCHEME.sub(_shown, text)


def _shown(url: re.Match[str]) -> str:
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
