#!/bin/sh
# local-aws-sqs gives a message's system attributes by the parameter that AWS has discontinued, and not by its successor.
#
# Version: local-aws-sqs==2.0.2 of npm, boto3==1.44.8
# Expected: MessageSystemAttributeNames=["All"] gives a message's receive count, times and so on; AttributeNames, which
#   "has been discontinued but will be supported for backward compatibility", gives the same.
# Behaviour: the former is passed over without a word, and a message has no Attributes; the latter is heeded. Code that
#   follows AWS's advice has a KeyError here, or takes each message for one that was never received before.
# Seen on 2026-11-30:
#   AttributeNames: ApproximateFirstReceiveTimestamp ApproximateReceiveCount SenderId SentTimestamp
#   MessageSystemAttributeNames: none
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
    url = sqs.create_queue(QueueName="finding")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a message")
    seen = {}
    for name in ("AttributeNames", "MessageSystemAttributeNames"):
        (message,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, **{name: ["All"]})["Messages"]
        seen[name] = sorted(message.get("Attributes", {}))
finally:
    server.terminate()
    server.wait(20)
for name, attributes in seen.items():
    print(f"{name}:", *attributes or ["none"])
known = ["ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "SenderId", "SentTimestamp"]
sys.exit(list(seen.values()) != [known, []])
PYTHON
