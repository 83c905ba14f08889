"""Dead messages for the tests, as SQS would give them."""

from typing import Any

from services.dead_letters.dead_message import DeadMessage, read_dead_message
from services.messages import OutcomeMessage, encode_outcome
from services.queueing.message import ReceivedMessage
from services.queues import define_queues
from services.task_types.loading import load_task_types

DEFINITIONS = define_queues(load_task_types(["services.tasks"]))

REQUEST = '{"callback_url":"http://receiver/callback","message":[{"name":"a","num_1":0.10}]}'
# A fixed time, so that the tests have the same names in every process.
TASK = f'{{"version":1,"task_id":"task-1","task_type":"calculation","accepted_at":1700000000.000,"request":{REQUEST}}}'
OUTCOME = encode_outcome(
    OutcomeMessage("task-1", "calculation", "http://receiver/callback", '{"results":[{"a":0.10}],"errors":[]}')
)
SENT_AT = 1_700_000_000.0


def received(
    body: str = TASK, message_id: str = "message-1", message_group_id: str | None = None, **attributes: str
) -> ReceivedMessage:
    return ReceivedMessage(message_id, body, "handle", 1, SENT_AT, attributes, message_group_id=message_group_id)


def read(message: ReceivedMessage, queue: str = "calculation-dlq") -> DeadMessage:
    source = DEFINITIONS.get(DEFINITIONS[queue].source_queue or "")
    return read_dead_message(message, DEFINITIONS[queue], source.max_attempts if source else None)


def dead_message(
    body: str = TASK, queue: str = "calculation-dlq", message_id: str = "message-1", **attributes: Any
) -> DeadMessage:
    return read(received(body, message_id, **attributes), queue)
