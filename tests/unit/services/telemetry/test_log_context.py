"""What is bound to the lines of a piece of work."""

import asyncio
from contextvars import copy_context

import structlog

from services.telemetry import log_context


def test_a_line_says_what_is_bound_in_its_context_and_what_it_says_itself_stands() -> None:
    def work() -> object:
        log_context.bind(queue="calculation", attempt=1)
        log_context.bind(attempt=2, task_id="a-task")
        return log_context.merge(None, "info", {"event": "done", "queue": "another"})

    line = copy_context().run(work)

    assert line == {"queue": "another", "attempt": 2, "task_id": "a-task", "event": "done"}
    assert log_context.bound() == {}


async def test_what_a_task_of_its_own_binds_is_not_said_by_who_began_it() -> None:
    async def bind() -> None:
        log_context.bind(item="one")

    log_context.bind(task_id="a-task")
    await asyncio.create_task(bind())

    assert log_context.bound() == {"task_id": "a-task"}


def test_what_a_task_type_binds_as_structlog_does_is_in_its_lines() -> None:
    def work() -> object:
        structlog.contextvars.bind_contextvars(item="one")
        log_context.bind(task_id="a-task")
        return log_context.merge(None, "info", {"event": "done"})

    assert copy_context().run(work) == {"item": "one", "task_id": "a-task", "event": "done"}
