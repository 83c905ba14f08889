"""SQS in the memory of a test: the calls of a `Queue`, on queues where nothing that is hidden keeps anybody waiting."""

import time
import uuid
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient


@dataclass(eq=False, slots=True)
class _Message:
    body: str
    attributes: Mapping[str, Any]
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sent_at_ms: int = field(default_factory=lambda: round(time.time() * 1000))
    receive_count: int = 0
    first_received_at_ms: int = 0

    def as_received(self) -> dict[str, Any]:
        """Count a receive, and return the message as ReceiveMessage answers it."""
        self.receive_count += 1
        self.first_received_at_ms = self.first_received_at_ms or round(time.time() * 1000)
        return {
            "MessageId": self.message_id,
            "ReceiptHandle": self.message_id,
            "Body": self.body,
            "MessageAttributes": self.attributes,
            "Attributes": {
                "ApproximateReceiveCount": str(self.receive_count),
                "SentTimestamp": str(self.sent_at_ms),
                "ApproximateFirstReceiveTimestamp": str(self.first_received_at_ms),
            },
        }


class MemorySqs:
    """The calls of SQS that a message is sent, received, given back and deleted with.

    A message that is given back for later can be received at once; `hidden_seconds` has for how long it was to wait.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
    """

    meta = SimpleNamespace(endpoint_url="memory:")

    def __init__(self) -> None:
        self.hidden_seconds: list[int] = []
        self._visible: defaultdict[str, deque[_Message]] = defaultdict(deque)
        self._in_flight: dict[str, _Message] = {}

    @property
    def client(self) -> "SQSClient":
        """What `Queue` takes for a client of SQS."""
        return cast("SQSClient", self)

    async def get_queue_url(self, *, QueueName: str) -> dict[str, Any]:  # noqa: N803  # the names are SQS's
        """Return a queue's name for its URL: each queue is there, and empty."""
        return {"QueueUrl": QueueName}

    async def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803
        """Append the messages."""
        for entry in Entries:
            self._visible[QueueUrl].append(_Message(entry["MessageBody"], entry.get("MessageAttributes", {})))
        return _all_of(Entries)

    async def receive_message(self, *, QueueUrl: str, **_options: Any) -> dict[str, Any]:  # noqa: N803
        """Return the first message of the queue, or none; wait for none."""
        visible = self._visible[QueueUrl]
        if not visible:
            return {}
        message = visible.popleft()
        self._in_flight[message.message_id] = message
        return {"Messages": [message.as_received()]}

    async def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803
        """Give the messages back."""
        for entry in Entries:
            self.hidden_seconds.append(entry["VisibilityTimeout"])
            self._visible[QueueUrl].append(self._in_flight.pop(entry["ReceiptHandle"]))
        return _all_of(Entries)

    async def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: ARG002, N803
        """Delete the messages."""
        for entry in Entries:
            del self._in_flight[entry["ReceiptHandle"]]
        return _all_of(Entries)


def _all_of(entries: Sequence[Any]) -> dict[str, Any]:
    return {"Successful": [{"Id": entry["Id"]} for entry in entries]}
