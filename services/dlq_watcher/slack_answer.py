"""What an answer to chat.postMessage says: pure, so that whatever answers there can be judged.

https://docs.slack.dev/reference/methods/chat.postMessage
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from services.outbound.retry_after import retry_after_seconds
from services.telemetry.redaction import without_url_secrets

_LONGEST_ERROR = 200

_TOKEN = "SLACK_BOT_TOKEN must be a valid token of a bot"  # noqa: S105  # no token itself
_CHANNEL = "SLACK_CHANNEL must be a channel that the bot is in"
_WHAT_TO_CHANGE = {
    **dict.fromkeys(("not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired"), _TOKEN),
    **dict.fromkeys(("channel_not_found", "not_in_channel", "is_archived"), _CHANNEL),
    "missing_scope": "the bot needs the scope chat:write",
}
_ADDRESS = "does SLACK_API_URL lead to Slack's Web API?"


@dataclass(frozen=True, slots=True)
class SlackRefusal:
    """Why Slack did not take a message; `retry_after_seconds` is what it asked for."""

    reason: str
    retry_after_seconds: float | None = None


def judge_answer(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> SlackRefusal | None:
    """Return None for the one answer that says that the message is posted: 200 and JSON with `"ok": true`."""
    answer = _read(headers.get("Content-Type", ""), body)
    if status == HTTPStatus.OK and answer.get("ok") is True:
        return None
    return SlackRefusal(_reason(status, headers, answer), retry_after_seconds(headers.get("Retry-After"), now))


def _reason(status: int, headers: Mapping[str, str], answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    if error:
        code = str(error)[:_LONGEST_ERROR]
        return f"{code}: {_WHAT_TO_CHANGE[code]}" if code in _WHAT_TO_CHANGE else code
    if HTTPStatus(200) <= status < HTTPStatus(300):
        return f"it answered {status} without saying that the message is posted: {_ADDRESS}"
    if "Location" in headers:
        location = without_url_secrets(headers["Location"])[:_LONGEST_ERROR]
        return f"it answered {status} and sent on to {location}, which is not followed: {_ADDRESS}"
    return f"it answered {status}"


def _read(content_type: str, body: bytes) -> Mapping[str, Any]:
    """Return the JSON object, an empty one for anything else."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return {}
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
