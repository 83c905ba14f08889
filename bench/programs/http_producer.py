"""Submits tasks over HTTP, as a client of the API does: `python -m bench.programs.http_producer`.

Over `BENCH_CONNECTIONS`, 64 by default, each with one request under way. `BENCH_REQUEST_BYTES` makes the requests that
large: with many calculations, and long names and numbers where these do not suffice.
"""

import json
import os
from decimal import Decimal

import simplejson
import uvloop

from bench.programs.http_connections import Connections, post_json
from bench.programs.producer import serve_coroutines
from bench.programs.work import ITEMS, Item, callback_url

ROUTE = "/v1/calculation/basic"
MOST_ITEMS = 1000
ITEM_BYTES = 125
_LONGEST_NAME = 256


def make_request(url: str, request_bytes: int | None = None) -> bytes:
    """Return the JSON of a request: the usual one, or one of so many bytes."""
    if request_bytes is None:
        return json.dumps({"callback_url": url, "message": ITEMS}).encode()
    count = max(1, min(MOST_ITEMS, request_bytes // ITEM_BYTES))
    items = [_make_item(index, 0) for index in range(count)]
    missing = request_bytes - len(_encode(url, items))
    for index in range(count):
        items[index] = _make_item(index, missing * (index + 1) // count - missing * index // count)
    return _encode(url, items)


def _encode(url: str, items: list[Item]) -> bytes:
    return simplejson.dumps({"callback_url": url, "message": items}, separators=(",", ":")).encode()


def _make_item(index: int, more_bytes: int) -> Item:
    """Return a calculation that takes so many bytes more than the shortest."""
    name = f"calc_{index:04}"
    in_name = max(0, min(more_bytes, _LONGEST_NAME - len(name)))
    digits = more_bytes - in_name
    return {
        "name": name + "x" * in_name,
        "num_1": Decimal("1.1" + "3" * (digits // 2)),
        "num_2": Decimal("1.1" + "3" * (digits - digits // 2)),
        "operation": "+",
        "result_rounding": 2,
    }


async def run() -> None:
    """Submit until standard input ends."""
    request_bytes = os.environ.get("BENCH_REQUEST_BYTES")
    request = post_json(ROUTE, make_request(callback_url(), int(request_bytes) if request_bytes else None))
    connections = Connections(int(os.environ["API_PORT"]))

    async def submit() -> str:
        answer = json.loads(await connections.send(request))
        return str(answer["task_id"])

    await serve_coroutines(submit, int(os.environ.get("BENCH_CONNECTIONS", "64")))


if __name__ == "__main__":
    uvloop.run(run())
