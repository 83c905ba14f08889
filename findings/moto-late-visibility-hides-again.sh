#!/bin/sh
# moto's SQS lets an expired receipt handle hide a message again that others may receive already.
#
# Version: moto==5.2.5 (its server), boto3==1.44.5
# Expected: once the visibility timeout is over, ChangeMessageVisibility with that receive's handle changes nothing,
#   with an error (AWS documents MessageNotInflight) or without: the next consumer receives the message.
# Behaviour: it succeeds and the message is in flight again, in nobody's hand but that of the consumer that came too
#   late. A test of a late heartbeat is green, and shows one owner where SQS would give the message to a second.
# Seen on 2026-11-28:
#   after the visibility timeout: visible 1, in flight 0
#   ChangeMessageVisibility with the expired handle: success
#   after it: visible 0, in flight 1
#   the next consumer receives 0 messages
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq 'moto[server]==5.2.5' boto3==1.44.5
no_proxy='*' timeout 90 venv/bin/python - <<'PYTHON'
import logging
import sys
import time

import boto3
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
sqs = boto3.client(
    "sqs",
    endpoint_url=f"http://{host}:{port}",
    region_name="eu-west-1",
    aws_access_key_id="none",
    aws_secret_access_key="none",
)
url = sqs.create_queue(QueueName="finding")["QueueUrl"]
COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


def counts():
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS)["Attributes"]
    return [int(attributes[name]) for name in COUNTS]


def outcome_of_change(handle):
    try:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=60)
        return "success"
    except ClientError as error:
        return error.response["Error"]["Code"]


sqs.send_message(QueueUrl=url, MessageBody="a message")
first = sqs.receive_message(QueueUrl=url, VisibilityTimeout=1)["Messages"][0]
time.sleep(3)
before = counts()
print("after the visibility timeout: visible {}, in flight {}".format(*before))
outcome = outcome_of_change(first["ReceiptHandle"])
print(f"ChangeMessageVisibility with the expired handle: {outcome}")
after = counts()
print("after it: visible {}, in flight {}".format(*after))
received = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", [])
print(f"the next consumer receives {len(received)} messages")
server.stop()
sys.exit((before, outcome, after, received) != ([1, 0], "success", [0, 1], []))
PYTHON
