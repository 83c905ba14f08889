"""The attributes of a message that goes on to another queue: ours, and those that it came with.

SQS takes 10 attributes, and of body and attributes together what the queue says, 1 MiB at the most:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.primitives.sqs_limits import MAX_ATTRIBUTES, MAX_MESSAGE_BYTES, attribute_text
from services.queueing.dead_letter import ATTEMPTS_ATTRIBUTE, REASON_ATTRIBUTE, SOURCE_QUEUE_ATTRIBUTE
from services.queueing.message_size import Attributes, attribute_bytes, message_bytes, text_attributes, utf8_bytes

if TYPE_CHECKING:
    from types_aiobotocore_sqs.type_defs import MessageAttributeValueOutputTypeDef

_FIRST = (SOURCE_QUEUE_ATTRIBUTE, ATTEMPTS_ATTRIBUTE, REASON_ATTRIBUTE)
"""Without these nobody knows what became of a message, nor where it belongs."""


@dataclass(frozen=True, slots=True)
class FittingAttributes:
    """The attributes that go with a message, and the names of those for which there is no room."""

    attributes: dict[str, "MessageAttributeValueOutputTypeDef"]
    left_out: list[str]


def fitting_attributes(
    body: str,
    own: Mapping[str, str],
    foreign: Attributes,
    message_group_id: str | None = None,
    *,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
) -> FittingAttributes:
    """Choose what goes with the body and the group to a queue that takes messages of so many bytes.

    First comes what describes the failure, its reason shortened where need be; then what the message came with, for
    nobody else knows that; then what else is ours, which the log has too. Of one name, ours stays.
    """
    fitting: dict[str, MessageAttributeValueOutputTypeDef] = {}
    left_out: list[str] = []
    room = max_message_bytes - message_bytes(body, {}, message_group_id)
    for name, attribute in _by_importance(own, foreign):
        fitted = _shortened(attribute, room) if name == REASON_ATTRIBUTE else attribute
        size = attribute_bytes(name, fitted)
        if len(fitting) == MAX_ATTRIBUTES or size > room:
            left_out.append(name)
            continue
        fitting[name] = fitted
        room -= size
    return FittingAttributes(fitting, left_out)


def _by_importance(
    own: Mapping[str, str], foreign: Attributes
) -> Iterator[tuple[str, "MessageAttributeValueOutputTypeDef"]]:
    ours = text_attributes(own)
    yield from ((name, ours[name]) for name in _FIRST if name in ours)
    yield from ((name, attribute) for name, attribute in sorted(foreign.items()) if name not in ours)
    yield from ((name, attribute) for name, attribute in ours.items() if name not in _FIRST)


def _shortened(attribute: "MessageAttributeValueOutputTypeDef", room: int) -> "MessageAttributeValueOutputTypeDef":
    text = attribute["StringValue"]
    most = room - attribute_bytes(REASON_ATTRIBUTE, {**attribute, "StringValue": ""})
    return attribute if utf8_bytes(text) <= most else {**attribute, "StringValue": attribute_text(text, max(most, 1))}
