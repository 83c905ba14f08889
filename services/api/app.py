"""The API's application: a route for each task type, the service's own pages, and its errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.routing import Route

from services.api.api_keys import ApiKeys
from services.api.documentation import document_callbacks, openapi
from services.api.enqueue import TaskQueue
from services.api.pending import PendingTasks
from services.api.settings import ApiSettings
from services.api.status_routes import CHECK_TIMEOUT_SECONDS
from services.api.status_routes import router as status_router
from services.api.task_middleware import TaskMiddleware
from services.api.task_routes import make_task_routes
from services.api.validation_process import LARGE_BODY_BYTES, ValidationProcess
from services.queueing.client import open_sqs
from services.queueing.connections import most_connections
from services.queueing.queue_check import QueueCheck
from services.queueing.queues import Queues
from services.queues import define_queues
from services.runtime.garbage_collection import freeze_gc
from services.task_types.loading import TaskTypes
from services.telemetry import tracing
from web.docs import serve_docs
from web.head_requests import HeadMiddleware

_DESCRIPTION = """\
Post a task with a `callback_url`: the answer comes at once with a `task_id`, the work is done by a worker,
and its outcome is POSTed to the callback, success or failure, at least once.

**Outcome:** `{"results": [{"<name>": …}], "errors": [{"<name>": "<reason>"}], "task_id": "<uuid>"}`,
with the headers of [Standard Webhooks](https://www.standardwebhooks.com): `webhook-id` is the task's id over all
retries.
"""


def create_app(
    settings: ApiSettings,
    task_types: TaskTypes,
    *,
    large_body_bytes: int = LARGE_BODY_BYTES,
    looks_again: bool = True,
) -> FastAPI:
    """Return the application; when it starts it opens its SQS client, and looks at its queues.

    `large_body_bytes`: a body of more is validated in a process of its own, as others want to be answered meanwhile.
    `looks_again`: it looks at its queues every few minutes; a function, which stands still between requests, cannot.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # To each queue it sends, and looks at it and at its DLQ.
        connections = most_connections(consumed=0, sent_to=len(task_types), looked_at=2 * len(task_types))
        async with open_sqs(settings, max_connections=connections) as client:
            queues = Queues(client, define_queues(task_types), name_prefix=settings.queue_name_prefix)
            pairs = {name: (queues[name], queues.dead_letter_queue_of(queues[name])) for name in task_types}
            app.state.task_queues = {
                name: TaskQueue(*pair, settings.enqueue_timeout_seconds) for name, pair in pairs.items()
            }
            check = QueueCheck(queue for pair in pairs.values() for queue in pair)
            # Before the first task is accepted: how large it may be is for its queues to say.
            await check.look()
            freeze_gc()
            looking = asyncio.create_task(check.run(asyncio.Event())) if looks_again else None
            yield
            if looking:
                looking.cancel()
            await app.state.validation.close()
            # What does not end in this time has nobody any more who waits for it.
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.enqueue_timeout_seconds):
                    await queues.close()
            # Here, as the server does not return: it ends as by the signal that stops it.
            await asyncio.to_thread(tracing.tracer.stop)

    task_routes = make_task_routes(task_types, settings)
    app = FastAPIOffline(
        title="Async tasks",
        summary="Tasks whose errors are never swallowed.",
        description=_DESCRIPTION,
        version="1",
        lifespan=lifespan,
        # It would send the client to whatever its Host header says.
        redirect_slashes=False,
        # It would ask for its providers three times a request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        # Before the pages: routes are tried in their order.
        routes=[*task_routes, Route("/openapi.json", openapi)],
        docs_url=None,
    )
    serve_docs(app)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(TaskMiddleware, routes=task_routes)
    app.state.api_keys = ApiKeys(settings.api_keys or [])
    app.state.pending_tasks = PendingTasks(
        most=settings.enqueue_max_pending, most_bytes=settings.enqueue_max_pending_bytes
    )
    app.state.check_timeout_seconds = CHECK_TIMEOUT_SECONDS
    app.state.validation = ValidationProcess(
        settings, settings.enqueue_timeout_seconds, large_body_bytes=large_body_bytes
    )
    app.include_router(status_router)
    document_callbacks(app)
    return app
