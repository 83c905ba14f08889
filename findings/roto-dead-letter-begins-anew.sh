#!/bin/sh
# roto's SQS gives a message that it moves to a DLQ a new time of sending, and begins its receive count at 0.
#
# Version: roto-aws==0.10.1, boto3==1.44.8
# Expected: of a standard queue AWS says "when a message is moved to a dead-letter queue, the enqueue timestamp is
#   unchanged", and of ApproximateReceiveCount that it is that "across all queues": a dead letter tells when it was
#   first sent and how often it was tried.
# Behaviour: SentTimestamp is when it was moved, and the count has forgotten the receives of the first queue, though
#   they are why it was moved. What shows the age of dead letters, or expects them to go when their retention from the
#   first sending ends, is right on AWS and wrong here. (local-aws-sqs 2.0.2 of npm does so too; MiniStack, moto,
#   LocalStack and fauxqs keep both.)
# Seen on 2026-11-30:
#   received from the queue: twice, the last time with count 2
#   received from the DLQ, the same message: True, with count 1
#   its SentTimestamp is later by 4 s or more: True
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq roto-aws==0.10.1 boto3==1.44.8
no_proxy='*' timeout 90 venv/bin/python - <<'PYTHON'
import json
import socket
import subprocess
import sys
import time

import boto3
from botocore.config import Config

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
        config=Config(read_timeout=30, retries={"total_max_attempts": 1}),
    )

    def received(url, seconds):
        got = sqs.receive_message(
            QueueUrl=url, VisibilityTimeout=seconds, WaitTimeSeconds=10, MessageSystemAttributeNames=["All"]
        )
        (message,) = got["Messages"]
        return message

    dlq = sqs.create_queue(QueueName="finding-dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dlq, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})}
    url = sqs.create_queue(QueueName="finding", Attributes=redrive)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a message")
    received(url, 2)
    last = received(url, 2)
    time.sleep(3)
    sqs.receive_message(QueueUrl=url)  # One that finds the message received too often moves it.
    dead = received(dlq, 60)
finally:
    server.terminate()
    server.wait(20)
count, after = (int(message["Attributes"]["ApproximateReceiveCount"]) for message in (last, dead))
sent, moved = (int(message["Attributes"]["SentTimestamp"]) for message in (last, dead))
same = dead["MessageId"] == last["MessageId"]
print(f"received from the queue: twice, the last time with count {count}")
print(f"received from the DLQ, the same message: {same}, with count {after}")
print(f"its SentTimestamp is later by 4 s or more: {moved - sent >= 4000}")
sys.exit((count, same, after, moved - sent >= 4000) != (2, True, 1, True))
PYTHON
