#!/bin/sh
# moto's FIFO queues give sequence numbers that say nothing of the sequence, or none.
#
# Version: moto==5.2.5, boto3==1.44.8
# Expected: each message of a FIFO queue has a SequenceNumber, which "continues to increase for a particular
#   MessageGroupId", as the reference of AWS has it: a consumer may tell by it which of two messages is the later.
# Behaviour: it is 20 random digits. Where the queue has ContentBasedDeduplication, and the sender gives no
#   MessageDeduplicationId, there is none, neither for the sender nor for the consumer. What compares sequence numbers
#   is right on AWS and fails by chance here; what reads the one of a send is a KeyError.
# Seen on 2026-11-30:
#   20 messages of a group, by sequence number in the order sent: False, received in the order sent: True
#   with ContentBasedDeduplication: sender False, consumer False
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq moto==5.2.5 boto3==1.44.8
timeout 90 venv/bin/python - <<'PYTHON'
import sys

import boto3
from moto import mock_aws

with mock_aws():
    sqs = boto3.client("sqs", region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")

    def queue(name, **attributes):
        return sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", **attributes})["QueueUrl"]

    def received(url):
        messages = []
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get("Messages"):
            for message in got:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            messages += got
        return messages

    url = queue("by-id.fifo")
    numbers = []
    for n in range(20):
        sent = sqs.send_message(QueueUrl=url, MessageBody=f"{n}", MessageGroupId="g", MessageDeduplicationId=f"{n}")
        numbers.append(int(sent["SequenceNumber"]))
    order = [int(message["Body"]) for message in received(url)] == list(range(20))

    url = queue("by-content.fifo", ContentBasedDeduplication="true")
    sent = sqs.send_message(QueueUrl=url, MessageBody="a message", MessageGroupId="g")
    (message,) = received(url)
rising = numbers == sorted(numbers)
has = "SequenceNumber" in sent, "SequenceNumber" in message["Attributes"]
print(f"20 messages of a group, by sequence number in the order sent: {rising}, received in the order sent: {order}")
print("with ContentBasedDeduplication: sender {}, consumer {}".format(*has))
sys.exit((rising, order, has) != (False, True, (False, False)))
PYTHON
