"""The few SQS operations that the stack's commands need of LocalStack, in SQS's JSON protocol.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from stack.config import StackSettings
from stack.errors import StackError

TIMEOUT_SECONDS = 20.0

# LocalStack's own endpoint: it takes ReceiveMessage and shows every message without receiving it.
SHOW_MESSAGES = "/_aws/sqs/messages?ShowInvisible=true&ShowDelayed=true"


@dataclass(frozen=True)
class Sqs:
    """A connection to LocalStack."""

    client: httpx.Client

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
        """All messages of a queue, hidden and delayed ones too, as ReceiveMessage would give them; none is received."""
        answer = self._call("ReceiveMessage", {"QueueUrl": queue_url}, SHOW_MESSAGES)
        return list(answer.get("Messages", []))

    def send_batch(self, queue_url: str, entries: list[dict[str, Any]]) -> set[str]:
        """Send a batch; return the ids of the entries that were confirmed."""
        answer = self._call("SendMessageBatch", {"QueueUrl": queue_url, "Entries": entries})
        return {entry["Id"] for entry in answer.get("Successful", [])}

    def _attribute(self, queue_url: str, name: str) -> str | None:
        answer = self._call("GetQueueAttributes", {"QueueUrl": queue_url, "AttributeNames": [name]})
        text: str | None = answer.get("Attributes", {}).get(name)
        return text

    def _call(self, operation: str, parameters: Mapping[str, Any], path: str = "/") -> dict[str, Any]:
        try:
            response = self.client.post(path, content=json.dumps(parameters), headers=_target(operation))
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise StackError(f"LocalStack refused {operation}: {error.response.text}") from error
        except httpx.HTTPError as error:
            raise StackError(f"LocalStack did not answer {operation} at {self.client.base_url}: {error!r}") from error
        return dict(response.json())


@contextmanager
def connect(settings: StackSettings) -> Iterator[Sqs]:
    """Connect to the stack's LocalStack. Every operation raises `StackError` where it is not done."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "Authorization": _credentials(settings.environment)}
    with httpx.Client(
        base_url=settings.localstack_url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False
    ) as client:
        yield Sqs(client)


def _target(operation: str) -> dict[str, str]:
    return {"X-Amz-Target": f"AmazonSQS.{operation}"}


def _credentials(environment: Mapping[str, str]) -> str:
    """LocalStack checks no signature; it reads account and region from here."""
    key = environment.get("AWS_ACCESS_KEY_ID") or "test"
    region = environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    return f"AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/sqs/aws4_request, SignedHeaders=host, Signature=none"
