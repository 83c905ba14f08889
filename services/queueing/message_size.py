"""What SQS counts of a message: the UTF-8 of its body, and of its attributes' names, types and values.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
Whether it counts a MessageGroupId its documentation does not say. It is counted here, so that none is refused for it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from types_aiobotocore_sqs.type_defs import MessageAttributeValueOutputTypeDef

Attributes: TypeAlias = Mapping[str, "MessageAttributeValueOutputTypeDef"]
"""Message attributes as SQS gives and takes them."""


def message_bytes(body: str, attributes: Attributes, message_group_id: str | None = None) -> int:
    """Return what counts towards the limit of a message, and of a batch."""
    size = utf8_bytes(body) + len(message_group_id or "")
    for name, each in attributes.items():
        size += attribute_bytes(name, each)
    return size


def attribute_bytes(name: str, attribute: Mapping[str, Any]) -> int:
    """Return what counts of one attribute; a binary value is bytes, or text where it is base64 still."""
    value = attribute.get("StringValue") or attribute.get("BinaryValue") or ""
    value_bytes = utf8_bytes(value) if isinstance(value, str) else len(value)
    return utf8_bytes(name) + utf8_bytes(attribute["DataType"]) + value_bytes


def utf8_bytes(text: str) -> int:
    """Return how many bytes the text has in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def text_attributes(texts: Mapping[str, str]) -> dict[str, "MessageAttributeValueOutputTypeDef"]:
    """Return texts as attributes."""
    return {name: {"DataType": "String", "StringValue": value} for name, value in texts.items()}
