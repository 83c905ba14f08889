"""What an alert, or a digest of several, looks like in Slack."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.dlq_watcher.alert import Alert, dlq_command

LONGEST_TEXT = 3000
"""https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""

_LONGEST_HEADLINE = 500
_LONGEST_FACT = 700
_LONGEST_REASON_IN_DIGEST = 200
_MOST_REASONS_IN_DIGEST = 10

# What makes two errors of one cause differ: ids, addresses, counts.
_VARIABLE_PART = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b|\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """The arguments of chat.postMessage: `text` is what notifications show."""

    text: str
    blocks: list[dict[str, Any]]


def message_of(alerts: Sequence[Alert]) -> SlackMessage:
    """Return the message of one alert in full, or the digest of several."""
    if len(alerts) == 1:
        return _full(alerts[0])
    return _digest(sorted(alerts, key=lambda alert: alert.raised_at))


def _full(alert: Alert) -> SlackMessage:
    headline = _fitted(f"{_named(alert.stack)}{alert.headline}", _LONGEST_HEADLINE)
    blocks = [
        _headline(headline),
        _section(f"*Reason:* {_fitted(alert.reason, LONGEST_TEXT - 20)}"),
        _facts(alert.facts),
    ]
    if alert.trace is not None:
        blocks.append(_section(f"```{_fitted_end(alert.trace.replace('```', ''), LONGEST_TEXT - 6)}```"))
    return SlackMessage(headline, blocks)


def _digest(alerts: Sequence[Alert]) -> SlackMessage:
    # A watcher has the alerts of one stack.
    stack = alerts[0].stack
    counted = f"{_escaped(_named(stack))}{len(alerts)} alerts from {_time(alerts[0])} to {_time(alerts[-1])} UTC"
    ends = _first_and_last_task(alerts)
    named = "".join(f", {name.lower()} {_fitted(task_id, _LONGEST_HEADLINE)}" for name, task_id in ends.items())
    kept = sum(alert.is_kept for alert in alerts)
    facts = {
        **ends,
        "Kept in undelivered": f"{kept}{_how_to_redrive_all(stack) if kept else ''}",
        "Next": "each alert is in the log: `make logs SERVICE=dlq-watcher`",
    }
    return SlackMessage(f"{counted}{named}", [_headline(counted), _section("\n".join(_counts(alerts))), _facts(facts)])


def _named(stack: str | None) -> str:
    return f"[{stack}] " if stack else ""


def _how_to_redrive_all(stack: str | None) -> str:
    look = dlq_command("list undelivered", stack)
    return f"; look at them with {look}, redrive them with {dlq_command('redrive undelivered --all', stack)}"


def _first_and_last_task(alerts: Sequence[Alert]) -> dict[str, str]:
    task_ids = [alert.task_id for alert in alerts if alert.task_id is not None]
    return {"First task": task_ids[0], "Last task": task_ids[-1]} if task_ids else {}


def _counts(alerts: Sequence[Alert]) -> Iterator[str]:
    """Count by origin and reason, largest first; reasons that differ in numbers and ids alone are one."""
    alike: defaultdict[tuple[str, str], list[Alert]] = defaultdict(list)
    for alert in alerts:
        alike[alert.origin, _VARIABLE_PART.sub("#", alert.reason)].append(alert)
    groups = sorted(alike.values(), key=len, reverse=True)
    for group in groups[:_MOST_REASONS_IN_DIGEST]:
        reason = " ".join(group[0].reason.split())
        yield f"• *{len(group)}* {_fitted(group[0].origin, 60)}: {_fitted(reason, _LONGEST_REASON_IN_DIGEST)}"
    if rest := groups[_MOST_REASONS_IN_DIGEST:]:
        yield f"• *{sum(map(len, rest))}* for {len(rest)} other reason{'s' if len(rest) > 1 else ''}"


def _time(alert: Alert) -> str:
    return f"{datetime.fromtimestamp(alert.raised_at, UTC):%Y-%m-%d %H:%M:%S}"


def _headline(fitted: str) -> dict[str, Any]:
    return _section(f":rotating_light: *{fitted}*")


def _facts(facts: Mapping[str, str]) -> dict[str, Any]:
    lines = (f"*{_escaped(name)}:* {_fitted(fact, _LONGEST_FACT)}" for name, fact in facts.items())
    return _section("\n".join(lines)[:LONGEST_TEXT])


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _fitted(text: str, most: int) -> str:
    """Return the text in Slack's markup, its beginning alone where it is too long."""
    escaped = _escaped(text)
    # An escape that is cut in two would be shown as what is left of it.
    return escaped if len(escaped) <= most else re.sub(r"&[a-z]*$", "", escaped[: most - 1]) + "…"


def _fitted_end(text: str, most: int) -> str:
    """The same with the end of the text: an error stands at the end of its trace."""
    escaped = _escaped(text)
    return escaped if len(escaped) <= most else "…" + re.sub(r"^[a-z]*;", "", escaped[1 - most :])


def _escaped(text: str) -> str:
    """Escape what Slack's markup gives a meaning (https://docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
