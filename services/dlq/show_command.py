"""The command `show`: one message with all that is known of it."""

import time
from collections.abc import Sequence

from services.dead_letters.as_json import details_json
from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.dead_letters.dead_message import DeadMessage, content_of
from services.dead_letters.destination import destination_of
from services.dead_letters.view import find_message
from services.dlq import tables
from services.dlq.program import Program
from services.dlq.terminal import json_result, looking, result
from services.queueing.message import ReceivedMessage


def show_message(program: Program, wanted: str, *, as_json: bool) -> None:
    """Print the message of that id."""
    dead_message, message = program.run(lambda dead_letter_queues: _find(dead_letter_queues, program.names, wanted))
    redrives_to = destination_of(dead_message, program.definitions)
    if as_json:
        json_result(details_json(dead_message, message, redrives_to, time.time()))
    else:
        result(*tables.dead_message_details(dead_message, content_of(message.body), redrives_to, time.time()))


async def _find(
    dead_letter_queues: DeadLetterQueues, names: Sequence[str], wanted: str
) -> tuple[DeadMessage, ReceivedMessage]:
    states = await dead_letter_queues.states(names)
    with looking(states) as on_look:
        return await find_message(dead_letter_queues, states, wanted, on_look)
