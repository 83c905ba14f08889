#!/bin/sh
# A function of AWS Lambda behind Mangum fails with each request, once anything in its process has called asyncio.run.
#
# Version: mangum==0.22.0
# Expected: Mangum has the event loop that it needs, as it sets one up when it is made; what other code of the same
#   process does with a loop of its own, such as a library that wraps a coroutine for synchronous callers, is no matter.
# Behaviour: Mangum asks asyncio for the current event loop at every request. asyncio.run leaves the thread without any,
#   and from then on each request raises, for as long as the process lives. A loop that the program sets again helps.
# Seen on 2026-11-29, CPython 3.11.7 (3.13.0 says the same):
#   before: 200
#   after asyncio.run: RuntimeError: There is no current event loop in thread 'MainThread'.
#   and again: RuntimeError: There is no current event loop in thread 'MainThread'.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq mangum==0.22.0
cat >function.py <<'PYTHON'
import asyncio

from mangum import Mangum


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def nothing():
    pass


handler = Mangum(app, lifespan="off")
http = {"method": "GET", "path": "/", "sourceIp": "192.0.2.1"}
event = {"version": "2.0", "rawQueryString": "", "headers": {}, "requestContext": {"http": http}}


def answer():
    try:
        return handler(event, None)["statusCode"]
    except RuntimeError as error:
        return f"{type(error).__name__}: {error}"


print("before:", answer())
asyncio.run(nothing())
print("after asyncio.run:", answer())
print("and again:", answer())
PYTHON
seen=$(timeout 60 venv/bin/python -W ignore function.py)
echo "$seen"
none="RuntimeError: There is no current event loop in thread 'MainThread'."
[ "$seen" = "before: 200
after asyncio.run: $none
and again: $none" ]
