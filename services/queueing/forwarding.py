"""What stands beside a message that goes on to another queue: attributes of ours, and those that it came with.

SQS takes 10 attributes, and 1 MiB of body and attributes together:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from services.messages import ATTEMPTS_ATTRIBUTE, REASON_ATTRIBUTE, SOURCE_QUEUE_ATTRIBUTE, attribute_text
from services.sqs_limits import MAX_ATTRIBUTES, MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from types_aiobotocore_sqs.type_defs import MessageAttributeValueOutputTypeDef

Attributes: TypeAlias = Mapping[str, "MessageAttributeValueOutputTypeDef"]
"""As SQS gives and takes them."""

_FIRST = (SOURCE_QUEUE_ATTRIBUTE, ATTEMPTS_ATTRIBUTE, REASON_ATTRIBUTE)
"""Without these nobody knows what became of a message, nor where it belongs."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The attributes that go with a message, and the names of those for which there is no room."""

    attributes: dict[str, "MessageAttributeValueOutputTypeDef"]
    left_out: list[str]


def attributes_beside(body: str, own: Mapping[str, str], foreign: Attributes) -> Beside:
    """Choose what goes with the body.

    First comes what tells of the failure, its reason shortened where need be; then what the message came with, for
    nobody else knows that; then what else is ours, which the log has too. Of one name, ours stays.
    """
    fitting: dict[str, MessageAttributeValueOutputTypeDef] = {}
    left_out: list[str] = []
    room = MAX_MESSAGE_BYTES - utf8_bytes(body)
    for name, attribute in _by_importance(own, foreign):
        fitted = _shortened(attribute, room) if name == REASON_ATTRIBUTE else attribute
        size = attribute_bytes(name, fitted)
        if len(fitting) == MAX_ATTRIBUTES or size > room:
            left_out.append(name)
            continue
        fitting[name] = fitted
        room -= size
    return Beside(fitting, left_out)


def as_text(attributes: Mapping[str, str]) -> dict[str, "MessageAttributeValueOutputTypeDef"]:
    """Return texts as SQS takes them."""
    return {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}


def attribute_bytes(name: str, attribute: "MessageAttributeValueOutputTypeDef") -> int:
    """Return what SQS counts of an attribute: its name, type and value."""
    value = utf8_bytes(attribute.get("StringValue", "")) + len(attribute.get("BinaryValue", b""))
    return utf8_bytes(name) + utf8_bytes(attribute["DataType"]) + value


def utf8_bytes(text: str) -> int:
    """Return how many bytes the text has in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def _by_importance(
    own: Mapping[str, str], foreign: Attributes
) -> Iterator[tuple[str, "MessageAttributeValueOutputTypeDef"]]:
    ours = as_text(own)
    yield from ((name, ours[name]) for name in _FIRST if name in ours)
    yield from ((name, attribute) for name, attribute in sorted(foreign.items()) if name not in ours)
    yield from ((name, attribute) for name, attribute in ours.items() if name not in _FIRST)


def _shortened(attribute: "MessageAttributeValueOutputTypeDef", room: int) -> "MessageAttributeValueOutputTypeDef":
    text = attribute["StringValue"]
    most = room - attribute_bytes(REASON_ATTRIBUTE, {**attribute, "StringValue": ""})
    return attribute if utf8_bytes(text) <= most else {**attribute, "StringValue": attribute_text(text, max(most, 1))}
