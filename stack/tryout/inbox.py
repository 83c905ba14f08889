"""What the receiver heard: it stands in for the client's side."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from services.primitives import exact_json
from stack.config import StackSettings
from stack.errors import StackError

POLL_SECONDS = 0.1
ANSWER_TIMEOUT_SECONDS = 10.0

Delivery = dict[str, Any]
"""As `GET /callbacks` lists it; its numbers are exact."""


class Inbox:
    """The receiver's, over one connection. Every look raises `StackError` where the receiver does not answer."""

    def __init__(self, settings: StackSettings, client: httpx.Client) -> None:
        self._url = settings.receiver_url
        self._client = client

    def deliveries(self, task_id: str) -> list[Delivery]:
        """All delivery attempts of a task so far, the oldest first."""
        listed = self._get("/callbacks", task_id=task_id)["callbacks"]
        return list(listed)

    def alerts(self) -> list[dict[str, Any]]:
        """The Slack messages that came."""
        return list(self._get("/slack/messages")["messages"])

    def watch(self, task_id: str, seconds: float) -> Iterator[Delivery]:
        """The delivery attempts of a task as they come, until one is taken, is the last, or the time is over."""
        deadline = time.monotonic() + seconds
        seen = 0
        while time.monotonic() < deadline:
            for delivery in self.deliveries(task_id)[seen:]:
                seen += 1
                yield delivery
                if was_taken(delivery) or is_final(delivery):
                    return
            time.sleep(POLL_SECONDS)

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        try:
            answer = self._client.get(f"{self._url}{path}", params=parameters).raise_for_status()
        except httpx.HTTPError as error:
            raise StackError(f"The receiver does not answer at {self._url} ({error}): `make ps` shows it.") from error
        return dict(exact_json.loads(answer.content, max_depth=2 * exact_json.MAX_DEPTH))


def open_client() -> httpx.Client:
    """A client for this machine: no proxy stands between."""
    return httpx.Client(trust_env=False, timeout=ANSWER_TIMEOUT_SECONDS)


def was_taken(delivery: Delivery) -> bool:
    """Whether it was answered 2xx, the whole answer."""
    return httpx.codes.is_success(delivery["status"]) and delivery["fault"] is None


def is_final(delivery: Delivery) -> bool:
    """Whether no further attempt will come (Standard Webhooks 1.0: 410 Gone)."""
    return bool(delivery["status"] == httpx.codes.GONE)


def answer_text(delivery: Delivery) -> str:
    """How the receiver answered."""
    fault = delivery["fault"]
    return f"broken on purpose ({fault})" if fault else f"answered {delivery['status']}"


def leads_to_inbox(callback_url: str, settings: StackSettings) -> bool:
    """Whether the outcome that is sent there can be seen in the receiver's inbox."""
    return urlsplit(callback_url).netloc in {urlsplit(settings.callback_url).netloc, *_names_of_this_machine(settings)}


def _names_of_this_machine(settings: StackSettings) -> set[str]:
    """From within a container they lead elsewhere."""
    if settings.mode == "containers":
        return set()
    return {f"{host}:{settings.receiver_port}" for host in ("localhost", "127.0.0.1", "[::1]")}
