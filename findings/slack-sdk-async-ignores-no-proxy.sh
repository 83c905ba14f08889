#!/bin/sh
# Slack's asynchronous clients go by the proxy of the environment whatever NO_PROXY says; its synchronous ones heed it.
#
# Version: slack_sdk==3.47.0, aiohttp==3.14.5
# Expected: the four clients treat one environment alike: with NO_PROXY=* none of them asks the proxy of HTTPS_PROXY,
#   nor would they ask it for an http:// URL of loopback.
# Behaviour: WebClient and WebhookClient reach the server themselves (by urllib, which heeds NO_PROXY even for a proxy
#   that it is given); AsyncWebClient and AsyncWebhookClient send the same request to the proxy. Who
#   moves to the asynchronous client loses the exception, also for a server of tests.
# Seen on 2026-11-28:
#   WebClient: asked the server
#   AsyncWebClient: asked the proxy
#   WebhookClient: asked the server
#   AsyncWebhookClient: asked the proxy
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq slack_sdk==3.47.0 aiohttp==3.14.5
timeout 60 venv/bin/python - <<'PYTHON'
import asyncio
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from slack_sdk.web import WebClient
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook import WebhookClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

ANSWER = b'{"ok": true}'
asked = []


def serve(name):
    """Start a server that notes its name whenever it is asked, and return its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(name)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


url = serve("server")
for name in list(os.environ):
    if name.lower().endswith("_proxy"):
        del os.environ[name]
os.environ.update(HTTPS_PROXY=serve("proxy"), NO_PROXY="*")

message = {"channel": "C1", "text": "a message"}
CALLS = {
    "WebClient": lambda: WebClient(token="none", base_url=url, timeout=5).chat_postMessage(**message),
    "AsyncWebClient": lambda: asyncio.run(
        AsyncWebClient(token="none", base_url=url, timeout=5).chat_postMessage(**message)
    ),
    "WebhookClient": lambda: WebhookClient(url, timeout=5).send(text="a message"),
    "AsyncWebhookClient": lambda: asyncio.run(AsyncWebhookClient(url, timeout=5).send(text="a message")),
}
for client, call in CALLS.items():
    call()
    print(f"{client}: asked the {asked[-1]}")
sys.exit(asked != ["server", "proxy", "server", "proxy"])
PYTHON
