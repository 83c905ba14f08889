#!/bin/sh
# local-aws-sqs gives the next message of a FIFO group while the one before it is in flight.
#
# Version: local-aws-sqs==2.0.2 of npm, boto3==1.44.8
# Expected: messages of a group are "always processed one at a time, in strict order", says AWS of MessageGroupId: while
#   one is in flight, a ReceiveMessage gives none of its group.
# Behaviour: it gives the next ones, to whoever asks, and so two consumers work on a group at once, in any order. Code
#   that leaves the order to the queue, which is right on AWS, breaks it here.
# Seen on 2026-11-30:
#   the first consumer has: 1
#   the second consumer has: 2, 3
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq boto3==1.44.8
export npm_config_cache="$dir/cache"
timeout 300 npm install --silent --no-audit --no-fund --ignore-scripts local-aws-sqs@2.0.2
cat >server.mjs <<'JAVASCRIPT'
import { createServer } from "node:net";
import { createSqsServer } from "local-aws-sqs";

const free = createServer().listen(0, "127.0.0.1", () => {
  const { port } = free.address();
  free.close(async () => {
    await createSqsServer({ port, hostname: "127.0.0.1" });
    console.log(port);
  });
});
JAVASCRIPT
no_proxy='*' timeout 90 venv/bin/python - <<'PYTHON'
import subprocess
import sys

import boto3
from botocore.config import Config

server = subprocess.Popen(["node", "server.mjs"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
try:
    sqs = boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{int(server.stdout.readline())}",
        region_name="eu-west-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=Config(read_timeout=10, retries={"total_max_attempts": 1}),
    )
    url = sqs.create_queue(QueueName="finding.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for body in "123":
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body)

    def received(count):
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, VisibilityTimeout=60)
        return [message["Body"] for message in messages.get("Messages", [])]

    first, second = received(1), received(10)
finally:
    server.terminate()
    server.wait(20)
print("the first consumer has:", ", ".join(first))
print("the second consumer has:", ", ".join(second) or "none")
sys.exit((first, second) != (["1"], ["2", "3"]))
PYTHON
