"""Submits tasks over HTTP, as a client of the API does: `python -m bench.programs.http_producer`.

Over 64 connections, each with one request under way.
"""

import json
import os

import uvloop

from bench.programs.http_connections import Connections, post_json
from bench.programs.producer import serve_coroutines
from bench.programs.work import ITEMS, callback_url

ROUTE = "/v1/calculation/basic"
AT_ONCE = 64


async def run() -> None:
    """Submit until standard input ends."""
    body = json.dumps({"callback_url": callback_url(), "message": ITEMS}).encode()
    request = post_json(ROUTE, body)
    connections = Connections(int(os.environ["API_PORT"]))

    async def submit() -> str:
        answer = json.loads(await connections.send(request))
        return str(answer["task_id"])

    await serve_coroutines(submit, AT_ONCE)


if __name__ == "__main__":
    uvloop.run(run())
