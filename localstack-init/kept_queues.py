# ruff: noqa: INP001  # LocalStack's hooks run this file, nothing imports it
"""Keeps the queues, with all that is in them, from the end of one LocalStack to the start of the next.

LocalStack itself keeps nothing, and this keeps standard queues alone. `KEPT_QUEUES_FILE` names the file; where it is
unset nothing is kept, as where `make down` has saved the messages already.

What is kept is LocalStack's own state, and not what a client would see of it. So a message comes back with its receive
count, delay, age and receipt handles, and who has it in flight can go on and settle it; and a queue was still made when
it was made, so nobody takes it for a new one. It also is fast: LocalStack's image kills LocalStack 5 s after SIGTERM.
"""

import base64
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from localstack.runtime import get_current_runtime  # type: ignore[import-not-found]
from localstack.services.sqs.models import SqsMessage, StandardQueue, sqs_stores  # type: ignore[import-not-found]

REQUESTS_SECONDS = 2.0
"""How long requests that are under way may take to end."""

POLL_SECONDS = 0.01


def save_and_exit() -> None:
    """Write what is in the queues. From SIGTERM on LocalStack refuses all requests: nothing is added any more.

    Then nothing is left to be ended in order, for which LocalStack would take 4 s, and 30 s on a busy machine.
    Raises RuntimeError where it cannot be written; LocalStack's log shows the error of a hook.
    """
    file = kept_queues_file()
    if file is None:
        return
    queues = [queue for _, _, store in sqs_stores.iter_stores() for queue in store.queues.values()]
    end_requests(queues)
    kept = [keep(queue) for queue in queues if isinstance(queue, StandardQueue)]
    try:
        write_whole(file, json.dumps({"queues": kept}, default=as_json))
    except OSError as error:
        raise RuntimeError(f"the queues cannot be kept, lost: {count_messages(kept)}: {error}") from error
    print(f"kept {count_messages(kept)} in {file}", flush=True)  # noqa: T201 # LocalStack's log is the place to look
    os._exit(0)


def restore() -> None:
    """Make the queues that were kept, before LocalStack takes any request; the file goes when all are there.

    Raises RuntimeError where the file cannot be read. It is put aside then, and the next start goes on without it.
    """
    file = kept_queues_file()
    if file is None or not file.exists():
        return
    try:
        kept = json.loads(file.read_text(), object_hook=from_json)["queues"]
        queues = [revive(each) for each in kept]
    except Exception as error:
        aside = file.replace(file.with_name(f"{file.name}.unreadable"))
        raise RuntimeError(f"the kept queues cannot be read, see {aside}: {error!r}") from error
    for queue in queues:
        sqs_stores[queue.account_id][queue.region].queues[queue.name] = queue
    file.unlink()
    print(f"restored {count_messages(kept)}: none was lost", flush=True)  # noqa: T201


def kept_queues_file() -> Path | None:
    """Where the queues are kept; None where they are not."""
    named = os.environ.get("KEPT_QUEUES_FILE")
    return Path(named) if named else None


def end_requests(queues: Iterable[Any]) -> None:
    """End the long polls, which may be about to take a message, and let what else is under way end by itself."""
    for queue in queues:
        queue.shutdown()
    threads = get_current_runtime().components.runtime_server.thread_pool
    deadline = time.monotonic() + REQUESTS_SECONDS
    # There are none yet where LocalStack ends before it serves.
    while threads and threads.working and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def keep(queue: Any) -> dict[str, Any]:
    """All of a queue but what belongs to the process."""
    with queue.mutex:
        messages = [*queue.visible.queue, *queue.inflight, *queue.delayed]
    return {
        "name": queue.name,
        "region": queue.region,
        "account_id": queue.account_id,
        "attributes": queue.attributes,
        "tags": queue.tags,
        "messages": [vars(message) for message in messages if not message.deleted],
    }


def revive(kept: dict[str, Any]) -> Any:
    """The queue that was kept."""
    queue = StandardQueue(kept["name"], kept["region"], kept["account_id"], tags=kept["tags"])
    queue.attributes.update(kept["attributes"])
    for fields in kept["messages"]:
        message = SqsMessage.__new__(SqsMessage)
        vars(message).update(fields, receipt_handles=set(fields["receipt_handles"]))
        queue.receipts.update(dict.fromkeys(message.receipt_handles, message))
        put(queue, message)
    return queue


def put(queue: Any, message: Any) -> None:
    """Put the message where LocalStack has one in its state."""
    if message.is_delayed:
        queue.delayed.add(message)
    elif not message.is_visible:
        queue.add_inflight_message(message)
    else:
        queue.visible.put_nowait(message)


def as_json(value: Any) -> Any:
    """What JSON cannot carry: the receipt handles, and the values of binary message attributes."""
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else sorted(value)


def from_json(value: dict[str, Any]) -> Any:
    """The bytes that `as_json` has written, everything else as it is."""
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value


def write_whole(file: Path, text: str) -> None:
    """Replace the file in one step, on disk when this returns."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with unfinished.open("w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def count_messages(kept: Iterable[dict[str, Any]]) -> str:
    """How many there are, in words."""
    number = sum(len(queue["messages"]) for queue in kept)
    return f"{number} message{'s' if number != 1 else ''}"
