"""The tasks on dramatiq with dramatiq-sqs: `dramatiq bench.programs.dramatiq_app`; as a program, its producer."""

import os
import uuid

import dramatiq  # type: ignore[import-not-found]  # in an environment of its own
import urllib3
from dramatiq.middleware import AgeLimit, Retries, ShutdownNotifications, TimeLimit  # type: ignore[import-not-found]
from dramatiq_sqs import SQSBroker  # type: ignore[import-not-found]

from bench.programs.producer import serve_threads
from bench.programs.work import CALLBACK_HEADERS, ITEMS, Item, callback_url, outcome, queue_name

broker = SQSBroker(
    endpoint_url=os.environ["AWS_ENDPOINT_URL"],
    region_name=os.environ["AWS_DEFAULT_REGION"],
    visibility_timeout=60,
    middleware=[AgeLimit(), TimeLimit(), ShutdownNotifications(), Retries()],
)
dramatiq.set_broker(broker)

_http = urllib3.PoolManager(maxsize=64)


@dramatiq.actor(queue_name=queue_name())  # type: ignore[untyped-decorator]
def calculate(task_id: str, items: list[Item], url: str) -> None:
    """Do the task and POST its outcome."""
    response = _http.request("POST", url, body=outcome(task_id, items), headers=CALLBACK_HEADERS)
    if response.status >= 300:  # noqa: PLR2004  # HTTP's own number
        raise RuntimeError(f"the receiver answered {response.status}")


def submit() -> str:
    """Submit a task."""
    task_id = str(uuid.uuid4())
    calculate.send(task_id, list(ITEMS), callback_url())
    return task_id


if __name__ == "__main__":
    serve_threads(submit)
