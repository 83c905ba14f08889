"""The command `logs`: what the services write, for people or as JSON."""

import json
import re
from collections.abc import Iterable

from stack.logs.line import LineReader, LogLine, RawLine
from stack.logs.view import log_text, shown, width_of
from stack.terminal import show, write_json_line

LAST_LINES = 40
"""So many of each service are shown."""


# LocalStack logs every request, and moto: with all workers polling, a few lines a second in which the others drown.
# Those of AWS's APIs LocalStack names, of others it has the path.
_SERVED = re.compile(r".* : (AWS \w+\.\w+|[A-Z]+ /.*) => 2\d\d|.* - - \[.*\] \"[A-Z]+ /.*\" 2\d\d -")


def show_logs(batches: Iterable[list[RawLine]], *, without_requests: bool, as_json: bool) -> None:
    """Print the lines as they come, those that come together in the order of time."""
    reader = LineReader()
    width = 0
    for batch in batches:
        width = max(width, width_of(line.service for line in batch))
        for line in reader.in_order(batch):
            if without_requests and is_served_request(line):
                continue
            if as_json:
                write_json_line(json.dumps(line.as_json()))
            else:
                show(log_text(line, width))


def is_served_request(line: LogLine) -> bool:
    """Whether the broker says nothing but that it has answered a request."""
    return bool(_SERVED.fullmatch(line.text))


def as_evidence(batches: Iterable[list[RawLine]]) -> str:
    """The lines as plain text, to be shown with an error."""
    reader = LineReader()
    lines = [line for batch in batches for line in reader.in_order(batch)]
    return "\n".join(log_text(line, 0).plain if line.fields else shown(line.text) for line in lines)
