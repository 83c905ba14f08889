"""The client of the end-to-end suite: it knows the wire contract and the receiver, and nothing of the services."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

# Nothing that the suite waits for takes half as long, a machine that is short of breath included.
PATIENCE_SECONDS = 120
_POLL_SECONDS = 0.1

# Uvicorn closes a connection that was idle for 5 s, and so long httpx would use it again: at the same moment.
SOON_CLOSED = httpx.Limits(keepalive_expiry=1)


def wait_for(look: Callable[[], T], what: str) -> T:
    """Return the first truthy answer of `look`, asked again and again; fail with `what` when patience is over.

    It rests as long as it looks, which may be to run a command: what it waits for needs the processors too.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (begun_at := time.monotonic()) < deadline:
        if answer := look():
            return answer
        time.sleep(max(_POLL_SECONDS, time.monotonic() - begun_at))
    raise AssertionError(f"waited {PATIENCE_SECONDS} s in vain for {what}")


class Client:
    """Submits tasks to the API and reads what the receiver heard."""

    def __init__(self, api_url: str, receiver_url: str, receiver_url_for_services: str) -> None:
        self.api = httpx.Client(base_url=api_url, timeout=PATIENCE_SECONDS, limits=SOON_CLOSED)
        self.receiver = httpx.Client(base_url=receiver_url, timeout=PATIENCE_SECONDS, limits=SOON_CLOSED)
        self.callback_url = f"{receiver_url_for_services}/callback"
        self.source_url = f"{receiver_url_for_services}/source"

    def close(self) -> None:
        """Close the connections."""
        self.api.close()
        self.receiver.close()

    def post(
        self, route: str, message: Sequence[dict[str, Any]], callback_url: str | None = None, **headers: str
    ) -> httpx.Response:
        """Post a task, with headers by their names with underscores.

        Its outcome goes to the receiver unless another one is given.
        """
        request = {"callback_url": callback_url or self.callback_url, "message": list(message)}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.api.post(route, json=request, headers=named)

    def submit(
        self, route: str, message: Sequence[dict[str, Any]], callback_url: str | None = None, **headers: str
    ) -> str:
        """Post a task that must be accepted, and return its task_id."""
        response = self.post(route, message, callback_url, **headers)
        assert response.status_code == 200, response.text
        return str(response.json()["task_id"])

    def deliveries(self, task_id: str) -> list[dict[str, Any]]:
        """Return every delivery attempt of the task's outcome so far, oldest first."""
        response = self.receiver.get("/callbacks", params={"task_id": task_id}).raise_for_status()
        callbacks: list[dict[str, Any]] = response.json()["callbacks"]
        return callbacks

    def wait_for_deliveries(self, task_id: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until the receiver heard of the task that often."""

        def enough() -> list[dict[str, Any]]:
            deliveries = self.deliveries(task_id)
            return deliveries if len(deliveries) >= count else []

        return wait_for(enough, f"{count} deliveries of {task_id}")

    def outcome(self, task_id: str) -> Any:
        """Wait for the task's first delivery and return its body."""
        return self.wait_for_deliveries(task_id)[0]["body"]

    def wait_for_alert(self, text: str) -> dict[str, Any]:
        """Wait for the Slack alert that has the text in its headline, and return it."""

        def find() -> dict[str, Any] | None:
            messages = self.receiver.get("/slack/messages").raise_for_status().json()["messages"]
            return next((message for message in messages if text in message["text"]), None)

        alert = wait_for(find, f"an alert with {text}")
        assert alert is not None
        return alert

    def unreliable_item(self, probe_id: str | None = None, **item: Any) -> dict[str, Any]:
        """Return an item of the task types that fail on demand; each of its attempts is heard under `probe_id`."""
        return {"name": "it", "probe_url": self.callback_url, "probe_id": probe_id or f"probe-{uuid.uuid4()}", **item}
