#!/bin/sh
# moto's SQS gives the next message to a long poll whose client has gone.
#
# Version: moto==5.2.5 (its server), boto3==1.44.5
# Expected: a client that closes its connection during a long poll has ended the poll; the next message goes to the
#   next client that asks.
# Behaviour: the poll goes on until its wait ends or a message comes, which it takes: the message is in flight with a
#   receive count of 1 and nobody has it until its visibility timeout ends. A test that stops one consumer and starts
#   another sees a message late, or in the DLQ early.
# Seen on 2026-11-28:
#   after the client has gone: visible 0, in flight 0
#   after a message was sent: visible 0, in flight 1
#   the next client receives 0 messages
#   and once the message is visible again: receive count 2
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq 'moto[server]==5.2.5' boto3==1.44.5
no_proxy='*' timeout 90 venv/bin/python - <<'PYTHON'
import json
import logging
import socket
import sys
import time

import boto3
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
url = sqs.create_queue(QueueName="finding", Attributes={"VisibilityTimeout": "10"})["QueueUrl"]
COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


def counts():
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS)["Attributes"]
    return [int(attributes[name]) for name in COUNTS]


# A long poll of 20 seconds whose client closes its connection while it waits.
body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20, "MaxNumberOfMessages": 1})
poll = socket.create_connection((host, port), timeout=5)
poll.sendall(
    f"POST / HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/x-amz-json-1.0\r\n"
    "X-Amz-Target: AmazonSQS.ReceiveMessage\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=none/20260101/eu-west-1/sqs/aws4_request, "
    "SignedHeaders=host, Signature=none\r\n"
    f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
)
time.sleep(2)
poll.close()
time.sleep(2)
before = counts()
print("after the client has gone: visible {}, in flight {}".format(*before))

sqs.send_message(QueueUrl=url, MessageBody="a message")
time.sleep(2)
after = counts()
print("after a message was sent: visible {}, in flight {}".format(*after))
received = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages", [])
print(f"the next client receives {len(received)} messages")

again = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, AttributeNames=["ApproximateReceiveCount"])
count = [int(message["Attributes"]["ApproximateReceiveCount"]) for message in again.get("Messages", [])]
print("and once the message is visible again: receive count", *count)
server.stop()
sys.exit((before, after, received, count) != ([0, 0], [0, 1], [], [2]))
PYTHON
