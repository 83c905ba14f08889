"""What the API is measured against: the same FastAPI endpoint without SQS, and with one SendMessage a request.

`python -m bench.api_variants no_sqs` serves one of them as the API is served. Both are what a FastAPI application is
when it is written as the tutorial shows it: the API's own request model, and the API's answer as a response model.
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import aioboto3
import uvicorn
from aiobotocore.config import AioConfig
from fastapi import FastAPI, Request

from services.api.settings import ApiSettings
from services.api.task_routes import Accepted
from services.runtime.boot import boot
from services.task_types.task_type import TaskRequest
from services.tasks.calculation import TASK_TYPE, CalculationItem

if TYPE_CHECKING:
    Calculation = TaskRequest[CalculationItem]
else:
    # The same, by the name that it has in a document.
    Calculation = TASK_TYPE.request_model

# The default of 10 would hold the others back.
_POOL_CONNECTIONS = 64


def no_sqs() -> FastAPI:
    """Return an application that validates the request, answers, and forgets it."""
    app = FastAPI()

    @app.post(TASK_TYPE.route)
    async def accept(_task: Calculation) -> Accepted:
        return Accepted.of(str(uuid4()))

    return app


def single_sends(settings: ApiSettings) -> FastAPI:
    """Return an application that sends each task by itself, and answers when SQS has confirmed it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        name = f"{settings.queue_name_prefix}{TASK_TYPE.name}"
        config = AioConfig(max_pool_connections=_POOL_CONNECTIONS)
        endpoint_url = str(settings.aws_endpoint_url)
        async with aioboto3.Session().client("sqs", endpoint_url=endpoint_url, config=config) as client:
            app.state.client = client
            app.state.queue_url = (await client.get_queue_url(QueueName=name))["QueueUrl"]
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post(TASK_TYPE.route)
    async def accept(task: Calculation, request: Request) -> Accepted:
        task_id = str(uuid4())
        message = f'{{"task_id":"{task_id}","request":{task.model_dump_json()}}}'
        await request.app.state.client.send_message(QueueUrl=request.app.state.queue_url, MessageBody=message)
        return Accepted.of(task_id)

    return app


def main() -> None:
    """Serve the application until asked to stop."""
    parser = argparse.ArgumentParser(prog="python -m bench.api_variants", description=__doc__)
    parser.add_argument("variant", choices=["no_sqs", "single_sends"])
    variant = parser.parse_args().variant
    settings = boot(ApiSettings).settings
    app = no_sqs() if variant == "no_sqs" else single_sends(settings)
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
    )


if __name__ == "__main__":
    main()
