#!/bin/sh
# A cancellation that leaves a handler ends the process of a function of AWS Lambda: no error is reported for the event.
#
# Version: awslambdaric==4.2.2, AWS's runtime of Python functions, under a Runtime API of a few lines
# Expected: what a handler raises is the event's error, posted to /runtime/invocation/<id>/error, and the process takes
#   the next event: so for ValueError, and for asyncio.CancelledError, which a coroutine that was cancelled raises.
# Behaviour: only what is an Exception is posted. asyncio.CancelledError, which has been a BaseException since Python
#   3.8, ends the process with a traceback, as SystemExit does; the event has no answer, Lambda says Runtime.ExitError,
#   and the next event pays for a cold start.
# Seen on 2026-11-29, CPython 3.11.7:
#   ValueError: posted to error: ValueError; the process takes the next event
#   CancelledError: nothing posted; the process has ended with 1
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq awslambdaric==4.2.2
cat >handlers.py <<'PYTHON'
import asyncio


def handler(event, context):
    raise ValueError if event == "ValueError" else asyncio.CancelledError
PYTHON
cat >api.py <<'PYTHON'
import http.server
import json
import os
import subprocess
import sys
import threading

kind = sys.argv[1]
posted, asked, may_end = [], [], threading.Event()


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked.append(self.path)
        if len(asked) > 1:
            may_end.set()
            threading.Event().wait(30)
        body = json.dumps(kind).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "1")
        self.send_header("Lambda-Runtime-Deadline-Ms", "9999999999999")
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:f")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        error = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        posted.append((self.path.rpartition("/")[2], error["errorType"]))
        self.send_response(202)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
of_lambda = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}
of_lambda |= {"AWS_LAMBDA_LOG_GROUP_NAME": "g", "AWS_LAMBDA_LOG_STREAM_NAME": "s", "LAMBDA_TASK_ROOT": "."}
environment = {**os.environ, **of_lambda, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}"}
process = subprocess.Popen(
    [sys.executable, "-m", "awslambdaric", "handlers.handler"],
    env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
threading.Thread(target=lambda: (process.wait(), may_end.set()), daemon=True).start()
may_end.wait(30)
what = ", ".join(f"posted to {where}: {name}" for where, name in posted) or "nothing posted"
code = process.poll()
print(f"{kind}: {what};", "the process takes the next event" if code is None else f"the process has ended with {code}")
if code is None:
    process.kill()
PYTHON
seen=$(timeout 60 venv/bin/python api.py ValueError; timeout 60 venv/bin/python api.py CancelledError)
echo "$seen"
[ "$seen" = "ValueError: posted to error: ValueError; the process takes the next event
CancelledError: nothing posted; the process has ended with 1" ]
