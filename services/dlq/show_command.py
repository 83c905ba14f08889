"""The command `show`: one message with all that is known of it."""

import time
from collections.abc import Sequence

from services.dlq import render
from services.dlq.dead_letter import DeadLetter, content_of
from services.dlq.destination import destination_of
from services.dlq.end_of_line import EndOfLine
from services.dlq.errors import InterruptionError
from services.dlq.program import Program
from services.dlq.selection import has_id, the_one_meant
from services.dlq.terminal import progress_bar, result
from services.sqs import ReceivedMessage


def show_message(program: Program, wanted: str, *, as_json: bool) -> None:
    """Print the message of that id."""
    letter, message = program.run(lambda end_of_line: _find(end_of_line, program.names, wanted))
    redrives_to = destination_of(letter, program.definitions)
    content = content_of(message.body)
    now = time.time()
    if as_json:
        details = {
            **render.letter_json(letter, redrives_to, now),
            "trace": letter.trace,
            "attributes": message.attributes,
            letter.content_name: content,
        }
        result(render.json_text(details))
    else:
        result(*render.letter_details(letter, content, redrives_to, now))


async def _find(end_of_line: EndOfLine, names: Sequence[str], wanted: str) -> tuple[DeadLetter, ReceivedMessage]:
    states = await end_of_line.states(names)
    found: dict[DeadLetter, ReceivedMessage] = {}
    with progress_bar("Looking", render.total(states), is_transient=True) as on_look:

        def collect(letter: DeadLetter, message: ReceivedMessage) -> None:
            on_look(1)
            if has_id(letter, wanted):
                found[letter] = message

        await end_of_line.look(states, collect)
    if end_of_line.stop.is_set():
        raise InterruptionError("Interrupted: not every message was looked at; all are where they were.")
    letter = the_one_meant(found, wanted)
    return letter, found[letter]
