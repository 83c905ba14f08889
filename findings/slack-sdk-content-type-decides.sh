#!/bin/sh
# Slack's client takes a 200 for success, or fails with an AttributeError, by its Content-Type alone.
#
# Version: slack_sdk==3.47.0, aiohttp==3.14.5
# Expected: chat_postMessage succeeds on {"ok": true} only; whatever else a 200 carries (a proxy's page, say) raises
#   SlackApiError, the exception that the client documents.
# Behaviour: with Content-Type application/gzip any body that is not empty is success, even a compressed
#   {"ok": false}; with text/plain the client asks the text for its .get and an AttributeError comes out.
# Seen on 2026-11-28:
#   application/json: SlackApiError
#   text/html: SlackApiError
#   text/plain: AttributeError
#   application/gzip: success
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq slack_sdk==3.47.0 aiohttp==3.14.5
timeout 60 venv/bin/python - <<'PYTHON'
import asyncio
import gzip
import sys

from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

REFUSED = b'{"ok": false, "error": "channel_not_found"}'
BODIES = {
    "application/json": REFUSED,
    "text/html": REFUSED,
    "text/plain": REFUSED,
    "application/gzip": gzip.compress(REFUSED),
}


async def outcome(content_type):
    async def answer(request):
        return web.Response(body=BODIES[content_type], content_type=content_type)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = AsyncWebClient(token="none", base_url=f"http://127.0.0.1:{runner.addresses[0][1]}/", timeout=5)
    try:
        await client.chat_postMessage(channel="C1", text="a message")
        return "success"
    except Exception as error:
        return type(error).__name__
    finally:
        await runner.cleanup()


seen = {}
for content_type in BODIES:
    seen[content_type] = asyncio.run(outcome(content_type))
    print(f"{content_type}: {seen[content_type]}")
sys.exit(list(seen.values()) != ["SlackApiError", "SlackApiError", "AttributeError", "success"])
PYTHON
