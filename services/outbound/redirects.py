"""Says where a redirect leads, which is never followed: it could lead a signed callback, or a POST, elsewhere."""

from urllib.parse import urljoin

from services.telemetry.redaction import without_secrets

_REDIRECTS = {301, 302, 303, 307, 308}
_LONGEST_LOCATION = 300


def describe_redirect(status: int, location: str | None, url: str) -> str:
    """Return what is to be said behind the status of an answer from the URL; empty where it redirects nobody."""
    if status not in _REDIRECTS or not location:
        return ""
    try:
        absolute = urljoin(url, location)
    except ValueError:
        absolute = location
    shown = without_secrets(absolute.encode("ascii", "backslashreplace").decode())[:_LONGEST_LOCATION]
    return f" and redirects to {shown}, which is not followed: use that URL"
