"""An account of LocalStack, asked in SQS's JSON protocol."""

import json
from typing import Any

import httpx

PATIENCE_SECONDS = 60
"""How long LocalStack may take for an answer."""


class SqsAccount:
    """The queues of an account, by name: LocalStack takes an access key of 12 digits for its account."""

    def __init__(self, url: str, account: str = "000000000000") -> None:
        self._url = url
        self._account = account

    def call(self, operation: str, queue: str, **parameters: Any) -> dict[str, Any]:
        headers = {
            "X-Amz-Target": f"AmazonSQS.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={self._account}/20260101/us-east-1/sqs/aws4_request",
        }
        request = {"QueueUrl": f"{self._url}/{self._account}/{queue}", "QueueName": queue, **parameters}
        response = httpx.post(self._url, content=json.dumps(request), headers=headers, timeout=PATIENCE_SECONDS)
        response.raise_for_status()
        return dict(response.json()) if response.content else {}

    def send(self, queue: str, body: str, **parameters: Any) -> str:
        return str(self.call("SendMessage", queue, MessageBody=body, **parameters)["MessageId"])

    def counts(self, queue: str) -> tuple[int, int, int]:
        """How many are waiting, in flight and delayed."""
        found = self.attributes(queue)
        waiting, in_flight, delayed = (
            int(found[f"ApproximateNumberOfMessages{state}"]) for state in ("", "NotVisible", "Delayed")
        )
        return waiting, in_flight, delayed

    def attributes(self, queue: str) -> dict[str, str]:
        return dict(self.call("GetQueueAttributes", queue, AttributeNames=["All"])["Attributes"])

    def receive(self, queue: str, visibility_timeout: int = 600) -> list[dict[str, Any]]:
        answer = self.call(
            "ReceiveMessage",
            queue,
            MaxNumberOfMessages=10,
            VisibilityTimeout=visibility_timeout,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))
