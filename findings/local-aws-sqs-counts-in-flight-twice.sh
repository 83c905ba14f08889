#!/bin/sh
# local-aws-sqs counts a message that is in flight among those that can be received, too.
#
# Version: local-aws-sqs==2.0.2 of npm, boto3==1.44.8
# Expected: ApproximateNumberOfMessages is the number "available for retrieval", ApproximateNumberOfMessagesNotVisible
#   that of those in flight: their sum is what the queue holds.
# Behaviour: the first is all that the queue holds. What adds them has each message in flight twice; what scales by the
#   first, or waits for it to be 0 to know that all is taken, sees messages where there is none to receive.
# Seen on 2026-11-30 (can be received / in flight):
#   3 messages sent: 3/0
#   all of them received: 3/3
#   one of them deleted: 2/2
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

COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
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
    url = sqs.create_queue(QueueName="finding")["QueueUrl"]

    def counts():
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS)["Attributes"]
        return "/".join(attributes[name] for name in COUNTS)

    seen = {}
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": body, "MessageBody": body} for body in "abc"])
    seen["3 messages sent"] = counts()
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60)["Messages"]
    seen["all of them received"] = counts()
    sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])
    seen["one of them deleted"] = counts()
finally:
    server.terminate()
    server.wait(20)
for what, came in seen.items():
    print(f"{what}: {came}")
sys.exit(len(messages) != 3 or list(seen.values()) != ["3/0", "3/3", "2/2"])
PYTHON
