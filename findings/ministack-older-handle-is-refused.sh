#!/bin/sh
# MiniStack's SQS refuses to delete a message by the receipt handle of an earlier receive, and to delete it twice.
#
# Version: ministack==1.5.33, boto3==1.44.8
# Expected: "If you use an old ReceiptHandle, the request will succeed, but the message might not be deleted", says AWS
#   of DeleteMessage. So a consumer that was slow, or that repeats a delete whose answer was lost, has no error.
# Behaviour: both are ReceiptHandleIsInvalid, in a batch too. A consumer that is right, and ends by such an error as by a
#   wrong queue or handle, fails where SQS lets it go on. (LocalStack and moto answer success.)
# Seen on 2026-11-30:
#   by the handle of the first receive, after a second: ReceiptHandleIsInvalid
#   by that of the second: success
#   by that of the second, again: ReceiptHandleIsInvalid
#   by that of the second, again, in a batch: ReceiptHandleIsInvalid
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
for venv in server client; do python3 -m venv "$venv"; done # They need different versions of botocore.
timeout 300 server/bin/pip install -qq ministack==1.5.33
timeout 300 client/bin/pip install -qq boto3==1.44.8
no_proxy='*' timeout 90 client/bin/python - <<'PYTHON'
import os
import socket
import subprocess
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
settings = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "SERVICES": "sqs"}
server = subprocess.Popen(
    ["server/bin/python", "-m", "ministack"],
    env={**os.environ, **settings},
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
try:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.2)
    sqs = boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="eu-west-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=Config(read_timeout=10, retries={"total_max_attempts": 1}),
    )
    url = sqs.create_queue(QueueName="finding")["QueueUrl"]

    def received(seconds):
        (message,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=seconds, WaitTimeSeconds=5)["Messages"]
        return message["ReceiptHandle"]

    def outcome(handle):
        try:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
            return "success"
        except ClientError as error:
            return error.response["Error"]["Code"]

    def outcome_in_batch(handle):
        answer = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "entry", "ReceiptHandle": handle}])
        return answer["Failed"][0]["Code"] if answer.get("Failed") else "success"

    sqs.send_message(QueueUrl=url, MessageBody="a message")
    first = received(1)
    second = received(60)
    seen = {
        "by the handle of the first receive, after a second": outcome(first),
        "by that of the second": outcome(second),
        "by that of the second, again": outcome(second),
        "by that of the second, again, in a batch": outcome_in_batch(second),
    }
finally:
    server.terminate()
    server.wait(20)
for what, came in seen.items():
    print(f"{what}: {came}")
invalid = "ReceiptHandleIsInvalid"
sys.exit(list(seen.values()) != [invalid, "success", invalid, invalid])
PYTHON
