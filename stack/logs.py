"""The command `logs`: what the services write, for people or as JSON."""

import json
from collections.abc import Iterable

from stack.console import show, write_json_line
from stack.log_line import LineReader, RawLine
from stack.log_view import log_text, width_of

LAST_LINES = 40
"""So many of each service are shown."""


def show_logs(batches: Iterable[list[RawLine]], *, as_json: bool) -> None:
    """Print the lines as they come, those that come together in the order of time."""
    reader = LineReader()
    width = 0
    for batch in batches:
        width = max(width, width_of(line.service for line in batch))
        for line in reader.in_order(batch):
            if as_json:
                write_json_line(json.dumps(line.as_json()))
            else:
                show(log_text(line, width))
