"""The command `show`: one message with all that is known of it."""

import time
from collections.abc import Sequence

from services.dead_letters.as_json import details_json
from services.dead_letters.dead_letter_queues import EndOfLine
from services.dead_letters.dead_message import DeadLetter, content_of
from services.dead_letters.destination import destination_of
from services.dead_letters.view import find_message
from services.dlq import tables
from services.dlq.program import Program
from services.dlq.terminal import json_result, looking, result
from services.queueing.message import ReceivedMessage


def show_message(program: Program, wanted: str, *, as_json: bool) -> None:
    """Print the message of that id."""
    letter, message = program.run(lambda end_of_line: _find(end_of_line, program.names, wanted))
    redrives_to = destination_of(letter, program.definitions)
    if as_json:
        json_result(details_json(letter, message, redrives_to, time.time()))
    else:
        result(*tables.letter_details(letter, content_of(message.body), redrives_to, time.time()))


async def _find(end_of_line: EndOfLine, names: Sequence[str], wanted: str) -> tuple[DeadLetter, ReceivedMessage]:
    states = await end_of_line.states(names)
    with looking(states) as on_look:
        return await find_message(end_of_line, states, wanted, on_look)
