"""The tasks as a Celery application, `celery --app bench.programs.celery_app worker`; as a program, its producer.

Set up as Celery's documentation and its SQS transport's allow for the most speed: a queue that is looked up once,
polls that wait at SQS and nowhere else, no results, events or remote control. `acks_late` alone costs: without it a
worker that dies loses what it has in flight.
"""

import os
import uuid

import urllib3
from celery import Celery  # type: ignore[import-not-found]  # in an environment of its own

from bench.programs.producer import serve_threads
from bench.programs.work import CALLBACK_HEADERS, ITEMS, Item, callback_url, outcome, queue_name

# The first environment variable of each worker's pool, see bench/systems.py.
_PREFETCH_MULTIPLIER = int(os.environ.get("BENCH_PREFETCH_MULTIPLIER", "4"))

_sqs = os.environ["AWS_ENDPOINT_URL"]
_queue = queue_name()

app = Celery("bench", broker=_sqs.replace("http://", "sqs://test:test@"))
app.conf.update(
    broker_transport_options={
        "region": os.environ["AWS_DEFAULT_REGION"],
        "is_secure": False,
        "predefined_queues": {_queue: {"url": f"{_sqs}/000000000000/{_queue}"}},
        "wait_time_seconds": 20,
        "polling_interval": 0,
        "visibility_timeout": 60,
    },
    broker_connection_retry_on_startup=True,
    task_default_queue=_queue,
    task_acks_late=True,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=_PREFETCH_MULTIPLIER,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
)

# The leanest of the clients that block; requests and httpx cost two and five times as much.
_http = urllib3.PoolManager(maxsize=64)


@app.task(name="calculate")  # type: ignore[untyped-decorator]  # Celery has no types
def calculate(task_id: str, items: list[Item], url: str) -> None:
    """Do the task and POST its outcome."""
    response = _http.request("POST", url, body=outcome(task_id, items), headers=CALLBACK_HEADERS)
    if response.status >= 300:  # noqa: PLR2004  # HTTP's own number
        raise RuntimeError(f"the receiver answered {response.status}")


def submit() -> str:
    """Submit a task."""
    task_id = str(uuid.uuid4())
    calculate.apply_async((task_id, ITEMS, callback_url()))
    return task_id


if __name__ == "__main__":
    serve_threads(submit)
