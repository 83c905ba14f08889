"""`python tls_requests.py URL…`: a callback and a data item to each URL, three times; prints what became of them.

A program of its own, as the services are: the trusted authorities are read when a process starts.
"""

import asyncio
import json
import sys

import httpx2
import uvloop

from services.delivery.answers import Answer
from services.delivery.callback_client import CallbackClient
from services.delivery.settings import DeliverySettings
from services.messages import OutcomeMessage
from services.outbound.http_client import open_http_client, open_target_sessions
from services.outbound.settings import TargetSettings
from services.primitives import exact_json
from services.settings import load_settings
from services.task_types.task_type import ItemError, TaskContext
from services.tasks.data import DataItem, DataSettings, fetch


async def main(urls: list[str]) -> list[tuple[str, str]]:
    """Return, for each URL, how the last callback was answered, and the last item's JSON or error."""
    async with (
        open_target_sessions(policy=load_settings(TargetSettings).target_policy) as sessions,
        open_http_client(sessions, connect_timeout_seconds=5) as http,
    ):
        client = CallbackClient(sessions, DeliverySettings())
        for _ in range(2):
            await asyncio.gather(*(client.post(OutcomeMessage("id", "data", url, "{}")) for url in urls))
        return [
            (_words(await client.post(OutcomeMessage("id", "data", url, "{}"))), await _fetched(http, url))
            for url in urls
        ]


def _words(answer: Answer) -> str:
    return getattr(answer, "reason", "delivered")


async def _fetched(http: httpx2.AsyncClient, url: str) -> str:
    item = DataItem.model_validate({"name": "item", "url": url})
    try:
        return exact_json.dumps(await fetch(item, TaskContext("id", 1, http, DataSettings())))
    except ItemError as error:
        return str(error)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(main(sys.argv[1:]))))
