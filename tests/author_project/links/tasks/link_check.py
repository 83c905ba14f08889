"""Task type `link-check`: see whether links lead somewhere."""

import asyncio
from typing import Annotated, Any

from pydantic import Field

from services.task_types import ItemError, Settings, TargetUrl, TaskContext, TaskItem, TaskType


class LinkSettings(Settings):
    """What this task type reads from the environment."""

    link_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    """The whole time that one link may take."""


class LinkItem(TaskItem):
    """A link."""

    url: TargetUrl


async def run(item: LinkItem, context: TaskContext[LinkSettings]) -> Any:
    """Return the status that is answered there. A server that is down now may be up at the next attempt."""
    async with asyncio.timeout(context.settings.link_timeout_seconds):
        answer = await context.http.get(item.url)
    if answer.is_client_error:
        raise ItemError(f"the link is dead: {answer.status_code}")
    if answer.is_server_error:
        raise RuntimeError(f"the server is down: {answer.status_code}")
    return answer.status_code


TASK_TYPE = TaskType(
    name="link-check",
    route="/v1/links/check",
    summary="Check links",
    item=LinkItem,
    run=run,
    example=[{"name": "sample", "url": "{receiver}/source"}],
    max_attempts=3,
    retry_delay_seconds=1,
    settings=LinkSettings,
    item_concurrency=10,
)
