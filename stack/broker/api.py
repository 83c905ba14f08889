"""The few SQS operations that the stack's commands need of its broker, in SQS's JSON protocol.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx

from services.primitives.sqs_limits import MAX_RECEIVED_MESSAGES
from stack.brokers import LOCALSTACK, Broker
from stack.config import StackSettings
from stack.errors import StackError
from stack.readiness import ANSWER_TIMEOUT_SECONDS, READY, Readiness

TIMEOUT_SECONDS = 20.0

LOOK_SECONDS = 30
"""So long a message that is received to be looked at is hidden, where it cannot be shown again."""

# LocalStack's own endpoint: it takes ReceiveMessage and shows every message without receiving it.
SHOW_MESSAGES = "/_aws/sqs/messages?ShowInvisible=true&ShowDelayed=true"


class RefusedError(StackError):
    """The broker answered, and did not do it."""


class Counts(NamedTuple):
    """How many messages a queue holds, as SQS counts them."""

    visible: int
    hidden: int
    """Those that were received, and neither deleted nor shown again yet."""
    delayed: int


@dataclass(frozen=True)
class Sqs:
    """A connection to the broker."""

    client: httpx.Client
    broker: Broker = LOCALSTACK

    def queue_urls(self) -> dict[str, str]:
        """The URLs of all queues by queue name."""
        urls = self._call("ListQueues", {}).get("QueueUrls", [])
        return {url.rpartition("/")[2]: url for url in urls}

    def redrive_policy(self, queue_url: str) -> dict[str, Any] | None:
        """The queue's redrive policy, None where it has none."""
        text = self._attribute(queue_url, "RedrivePolicy")
        return json.loads(text) if text else None

    def created_at(self, queue_url: str) -> float:
        """When the queue was made, in seconds since the epoch."""
        return float(self._attribute(queue_url, "CreatedTimestamp") or 0)

    def show_messages(self, queue_url: str) -> list[dict[str, Any]]:
        """All messages of a queue, hidden and delayed ones too, as ReceiveMessage would give them; none is received.

        Only of a broker that shows its messages.
        """
        answer = self._call("ReceiveMessage", {"QueueUrl": queue_url}, SHOW_MESSAGES)
        return list(answer.get("Messages", []))

    def receive(self, queue_url: str, hidden_seconds: int) -> list[dict[str, Any]]:
        """Up to ten messages that can be received now, with all that they have; they are hidden for so long."""
        parameters = {
            "QueueUrl": queue_url,
            "MaxNumberOfMessages": MAX_RECEIVED_MESSAGES,
            "VisibilityTimeout": hidden_seconds,
            "WaitTimeSeconds": 0,
            # By the later name of the parameter and the earlier one, which some brokers know alone.
            "MessageSystemAttributeNames": ["All"],
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        return list(self._call("ReceiveMessage", parameters).get("Messages", []))

    @contextmanager
    def look_through(self, queue_url: str) -> Iterator[Iterator[dict[str, Any]]]:
        """Give all messages of a queue that nobody works, one after another; they stay in it.

        Where the broker does not show them they are received, which counts, until nothing new comes, and shown again at
        the end.
        """
        if self.broker.shows_messages:
            yield iter(self.show_messages(queue_url))
            return
        received: dict[str, str] = {}
        try:
            yield self._receive_all(queue_url, received)
        finally:
            for handle in received.values():
                # It may be visible again already, and somebody else's.
                with suppress(RefusedError):
                    self.show_again(queue_url, handle)

    def _receive_all(self, queue_url: str, received: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Yield the messages that come, and keep their latest receipt handles, by their ids."""
        while messages := self.receive(queue_url, LOOK_SECONDS):
            new = [message for message in messages if message["MessageId"] not in received]
            received |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
            if not new:
                return
            yield from new

    def delete_batch(self, queue_url: str, receipt_handles: Sequence[str]) -> dict[int, str]:
        """Delete up to ten messages that were received; return why some were not, by their places among the handles."""
        entries = [{"Id": str(index), "ReceiptHandle": handle} for index, handle in enumerate(receipt_handles)]
        answer = self._call("DeleteMessageBatch", {"QueueUrl": queue_url, "Entries": entries})
        return {int(entry["Id"]): f"{entry.get('Code')}: {entry.get('Message')}" for entry in answer.get("Failed", [])}

    def show_again(self, queue_url: str, receipt_handle: str) -> None:
        """Let a message that was received be received again at once."""
        parameters = {"QueueUrl": queue_url, "ReceiptHandle": receipt_handle, "VisibilityTimeout": 0}
        self._call("ChangeMessageVisibility", parameters)

    def counts(self, queue_url: str) -> Counts:
        """How many messages the queue holds, about."""
        names = [f"ApproximateNumberOfMessages{suffix}" for suffix in ("", "NotVisible", "Delayed")]
        answer = self._call("GetQueueAttributes", {"QueueUrl": queue_url, "AttributeNames": names})
        numbers = (int(answer.get("Attributes", {}).get(name, 0)) for name in names)
        return Counts(*numbers)

    def send_batch(self, queue_url: str, entries: list[dict[str, Any]]) -> dict[str, str]:
        """Send a batch; return why entries were not confirmed, by their ids."""
        answer = self._call("SendMessageBatch", {"QueueUrl": queue_url, "Entries": entries})
        confirmed = {entry["Id"] for entry in answer.get("Successful", [])}
        reasons = {entry["Id"]: f"{entry.get('Code')}: {entry.get('Message')}" for entry in answer.get("Failed", [])}
        return {
            entry["Id"]: reasons.get(entry["Id"], "unconfirmed") for entry in entries if entry["Id"] not in confirmed
        }

    def _attribute(self, queue_url: str, name: str) -> str | None:
        answer = self._call("GetQueueAttributes", {"QueueUrl": queue_url, "AttributeNames": [name]})
        text: str | None = answer.get("Attributes", {}).get(name)
        return text

    def _call(self, operation: str, parameters: Mapping[str, Any], path: str = "/") -> dict[str, Any]:
        try:
            response = self.client.post(path, content=json.dumps(parameters), headers=_target(operation))
            response.raise_for_status()
            return dict(response.json()) if response.content else {}
        except httpx.HTTPStatusError as error:
            raise RefusedError(f"{self.broker.title} refused {operation}: {error.response.text}") from error
        except httpx.HTTPError as error:
            line = f"{self.broker.title} did not answer {operation} at {self.client.base_url}: {error!r}"
            raise StackError(line) from error
        except ValueError as error:
            raise StackError(f"{self.broker.title} answers {operation} as SQS does not: {error}") from error


@contextmanager
def connect(settings: StackSettings, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[Sqs]:
    """Connect to the stack's broker. Every operation raises `StackError` where it is not done."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "Authorization": _credentials(settings.environment)}
    with httpx.Client(
        base_url=settings.localstack_url, headers=headers, timeout=timeout_seconds, trust_env=False
    ) as client:
        yield Sqs(client, settings.broker)


def broker_readiness(settings: StackSettings) -> Readiness:
    """Ask the broker whether it answers, by SQS's own API."""
    try:
        with connect(settings, ANSWER_TIMEOUT_SECONDS) as sqs:
            sqs.queue_urls()
    except StackError as error:
        return Readiness("not yet", str(error))
    return READY


def _target(operation: str) -> dict[str, str]:
    return {"X-Amz-Target": f"AmazonSQS.{operation}"}


def _credentials(environment: Mapping[str, str]) -> str:
    """No broker checks a signature; LocalStack reads account and region from here."""
    key = environment.get("AWS_ACCESS_KEY_ID") or "test"
    region = environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    return f"AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/sqs/aws4_request, SignedHeaders=host, Signature=none"
