"""The events that a function is measured by, as Lambda makes them."""

import json
import time
import uuid
from typing import Any

from bench.programs.http_producer import ROUTE, make_request
from services.messages import encode_task

API_KEY = "the-key-of-the-measurement"

_TASK_TYPE = "calculation"
_HOST = "api.lambda-url.us-east-1.on.aws"


def queue_event(queue: str, callback_url: str, records: int) -> dict[str, Any]:
    """Return the event of a batch of new tasks. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html."""
    return {"Records": [_record(queue, callback_url) for _ in range(records)]}


def _record(queue: str, callback_url: str) -> dict[str, Any]:
    now = str(round(time.time() * 1000))
    return {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": "none is needed: a task that is done is Lambda's to delete",
        "body": encode_task(str(uuid.uuid4()), _TASK_TYPE, make_request(callback_url).decode()),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": now,
            "ApproximateFirstReceiveTimestamp": now,
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
    }


def request_event(callback_url: str) -> dict[str, Any]:
    """Return the event of a POST of a task. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html."""
    return {
        "version": "2.0",
        "rawPath": ROUTE,
        "rawQueryString": "",
        "headers": {"host": _HOST, "content-type": "application/json", "x-api-key": API_KEY},
        "requestContext": {
            "domainName": _HOST,
            "http": {"method": "POST", "path": ROUTE, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "stage": "$default",
        },
        "body": make_request(callback_url).decode(),
        "isBase64Encoded": False,
    }


def is_done(answer: bytes) -> bool:
    """Return whether the request was accepted, or no message of the batch is to come again."""
    read = json.loads(answer)
    return bool(read.get("statusCode") == 200 or read == {"batchItemFailures": []})  # noqa: PLR2004  # HTTP's own
