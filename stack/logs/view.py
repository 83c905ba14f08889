"""How a line of a log looks to a person. Pure: nothing here prints."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.text import Text

from services.streams.printable import printable
from stack.logs.line import LogLine

SHOWN_FIRST = ("timestamp", "level", "event", "task_id")
BLOCKS = ("exception", "stack", "trace")
"""Fields of several lines: they stand below the others."""

LEVEL_STYLES = {"debug": "dim", "info": "green", "warning": "yellow", "error": "bold red", "critical": "bold red"}
SERVICE_STYLES = ("cyan", "magenta", "blue", "bright_cyan", "bright_magenta", "bright_blue")
INDENTATION = "    "


def log_text(line: LogLine, width: int) -> Text:
    """Time of day, service, level, event, task id and the other fields; `width` is that of the services' names.

    What is no JSON stands as it is behind its service's name.
    """
    name = Text(line.service.ljust(width), style=service_style(line.service))
    if not line.fields:
        return Text.assemble(Text(" " * 12 + "  "), name, "  ", shown(Text.from_ansi(line.text).plain))
    level = Text(line.level.ljust(8), style=LEVEL_STYLES.get(line.level, ""))
    text = Text.assemble(Text(time_of_day(line.at), style="dim"), "  ", name, "  ", level, shown(line.event))
    if line.task_id:
        text.append(f"  {shown(line.task_id)}", style="bold")
    for field, value in line.fields.items():
        if field not in SHOWN_FIRST + BLOCKS:
            text.append(f"  {shown(field)}=", style="dim").append(value_text(value))
    return text.append_text(blocks(line))


def blocks(line: LogLine, indentation: str = INDENTATION) -> Text:
    """The exception and the like, indented below the line that they belong to."""
    text = Text(style="dim")
    for field in BLOCKS:
        for each in str(line.fields.get(field) or "").strip().splitlines():
            text.append(f"\n{indentation}{shown(each)}")
    return text


def value_text(value: Any) -> str:
    """A value in one line; JSON where it is not one word or number."""
    if isinstance(value, str) and value and not any(each.isspace() or each == '"' for each in value):
        return shown(value)
    return shown(json.dumps(value, ensure_ascii=False))


def shown(text: str) -> str:
    """The text in one line that commands no terminal."""
    return printable(text.expandtabs(4).replace("\n", "⏎"))


def time_of_day(at: float) -> str:
    """On this machine's clock, to the millisecond."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S.%f")[:-3]


def date_and_time(at: float) -> str:
    """On this machine's clock, to the second."""
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}"


def service_style(service: str) -> str:
    """The same colour for the same service, whatever others there are."""
    return SERVICE_STYLES[sum(service.encode()) % len(SERVICE_STYLES)]


def width_of(services: Iterable[str]) -> int:
    """How wide the column of the services' names must be."""
    return max(map(len, services), default=0)
