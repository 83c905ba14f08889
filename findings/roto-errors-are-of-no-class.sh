#!/bin/sh
# roto's SQS errors are not caught by the classes that boto3 has for them.
#
# Version: roto-aws==0.10.1, boto3==1.44.8
# Expected: `except sqs.exceptions.QueueDoesNotExist`, as boto3 documents it, catches the error for a queue that does
#   not exist; so does QueueNameExists for one that exists with other attributes. In SQS's JSON protocol the body names
#   the class, and a header the older code, which is in response["Error"]["Code"].
# Behaviour: roto names the older code in both places. boto3 knows no class of that name, and raises a plain
#   ClientError with the code that AWS has: "create it if it does not exist", written with the class, ends with an
#   exception here. (The batch errors have their class, and lack the older code's "AWS.SimpleQueueService.".)
# Seen on 2026-11-30:
#   QueueDoesNotExist: not caught, code AWS.SimpleQueueService.NonExistentQueue
#   QueueNameExists: not caught, code QueueAlreadyExists
#   ReceiptHandleIsInvalid: caught, code ReceiptHandleIsInvalid
#   EmptyBatchRequest: caught, code EmptyBatchRequest
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq roto-aws==0.10.1 boto3==1.44.8
no_proxy='*' timeout 90 venv/bin/python - <<'PYTHON'
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
server = subprocess.Popen(
    ["venv/bin/roto-server", "--host", "127.0.0.1", "--port", str(port), "--ephemeral"],
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
    url = sqs.create_queue(QueueName="finding", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]

    def outcome(name, call):
        try:
            call()
        except getattr(sqs.exceptions, name) as error:
            return "caught", error.response["Error"]["Code"]
        except ClientError as error:
            return "not caught", error.response["Error"]["Code"]

    other = {"VisibilityTimeout": "31"}
    calls = {
        "QueueDoesNotExist": lambda: sqs.get_queue_url(QueueName="another"),
        "QueueNameExists": lambda: sqs.create_queue(QueueName="finding", Attributes=other),
        "ReceiptHandleIsInvalid": lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle="none"),
        "EmptyBatchRequest": lambda: sqs.send_message_batch(QueueUrl=url, Entries=[]),
    }
    seen = {name: outcome(name, call) for name, call in calls.items()}
finally:
    server.terminate()
    server.wait(20)
for name, came in seen.items():
    print(f"{name}: {came[0]}, code {came[1]}")
sys.exit([came[0] for came in seen.values()] != ["not caught", "not caught", "caught", "caught"])
PYTHON
