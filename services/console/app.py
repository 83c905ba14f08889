"""The console's application: its page, what it knows, and what a person can do."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from fastapi import FastAPI
from fastapi.responses import FileResponse

from services.console import dead_letter_routes, state_routes, task_routes
from services.console.answers import answer_errors
from services.console.api_client import Api
from services.console.broadcast import Broadcast
from services.console.dead_letters import DeadLetters
from services.console.instances import Instances
from services.console.security import SecurityMiddleware
from services.console.settings import ConsoleSettings
from services.console.state import State
from services.console.unclaimed_queues import UnclaimedQueues
from services.dead_letters.browse import LONG_POLL_SECONDS
from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from services.queueing.client import open_sqs
from services.queueing.connections import connections_for_any_use
from services.queueing.queues import Queues
from services.queueing.samples import QueueSampler
from services.queues import define_queues
from services.settings import USER_AGENT
from services.task_types.loading import TaskTypes
from web.head_requests import HeadMiddleware
from web.pages import mount_files, page_file

STATIC = Path(__file__).parent / "static"

MAX_BODY_BYTES = MAX_MESSAGE_BYTES + 65_536
"""A task as large as SQS takes one, and what stands around it."""

API = "api"
"""The service that answers at its own port whether it is ready."""


def create_app(settings: ConsoleSettings, task_types: TaskTypes) -> FastAPI:
    """Return the application; from its start on it samples the queues and the services."""
    definitions = define_queues(task_types)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                open_sqs(
                    settings,
                    longest_wait_seconds=LONG_POLL_SECONDS,
                    max_connections=connections_for_any_use(len(definitions)),
                )
            )
            http = await stack.enter_async_context(aiohttp.ClientSession(headers={"User-Agent": USER_AGENT}))
            queues = Queues(client, definitions, name_prefix=settings.queue_name_prefix)
            stack.push_async_callback(queues.close)
            dead_letter_queues = DeadLetterQueues(client, queues, definitions, app.state.stopping)
            app.state.dead_letters = DeadLetters(dead_letter_queues)
            names = {task_type.route: task_type.name for task_type in task_types.values()}
            app.state.api = Api(http, settings, names)
            # It samples by the console's own clock.
            sampler = QueueSampler(queues, shortest_interval_seconds=0)
            instances = Instances(http, settings.console_services, {API: f"{settings.api_url}/readyz"})
            state = State(settings, definitions, sampler, UnclaimedQueues(dead_letter_queues), instances)
            await stack.enter_async_context(_background(state.run(app.state.broadcast)))
            await stack.enter_async_context(_background(_close_at_stop(app)))
            yield

    app = FastAPI(
        lifespan=lifespan,
        max_body_size=MAX_BODY_BYTES,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.stopping = asyncio.Event()
    app.state.broadcast = Broadcast()
    app.add_middleware(HeadMiddleware)
    app.add_middleware(SecurityMiddleware, allowed_hosts=settings.console_allowed_hosts)
    answer_errors(app)
    for routes in (state_routes, dead_letter_routes, task_routes):
        app.include_router(routes.router)
    app.get("/")(page)
    app.get("/healthcheck")(healthcheck)
    mount_files(app, STATIC)
    return app


async def page() -> FileResponse:
    """Show the page."""
    return page_file(STATIC / "index.html")


async def healthcheck() -> dict[str, str]:
    """Answer that the process lives."""
    return {"state": "healthy"}


@asynccontextmanager
async def _background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Let the work go on for as long as the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _close_at_stop(app: FastAPI) -> None:
    """End the viewers' streams when the server begins to stop: by themselves they never end."""
    await app.state.stopping.wait()
    app.state.broadcast.close()
