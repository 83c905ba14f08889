"""`python -m receiver` as a real process."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest


@asynccontextmanager
async def running(database: Path) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """The program on a free port, and a client of it."""
    settings = {"RECEIVER_PORT": "0", "RECEIVER_DATABASE": str(database), "CALLBACK_SIGNING_SECRET": ""}
    command = (sys.executable, "-m", "receiver")
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | settings, stderr=PIPE)
    try:
        async with httpx.AsyncClient(base_url=await told_url(process)) as client:
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def told_url(process: Process) -> str:
    """The URL that the program logs once it listens."""
    assert process.stderr
    log = ""
    async for line in process.stderr:
        log += line.decode()
        if listening := re.search(r"Listening on (\S+)", log):
            return listening[1]
    raise AssertionError(log)


async def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    async with running(tmp_path / "receiver.sqlite3") as (process, client):
        assert (await client.post("/callback", headers={"webhook-id": "t"})).status_code == 200
        process.kill()
        await process.wait()
    async with running(tmp_path / "receiver.sqlite3") as (_, client):
        await client.post("/callback", headers={"webhook-id": "t"})
        callbacks = (await client.get("/callbacks")).json()["callbacks"]
    assert [callback["attempt"] for callback in callbacks] == [1, 2]


async def test_stop_sends_late_answers_at_once_and_loses_none(tmp_path: Path) -> None:
    async with running(tmp_path / "receiver.sqlite3") as (process, client):
        late = asyncio.create_task(client.post("/callback?delay=300"))
        async with asyncio.timeout(10):
            while not (await client.get("/callbacks")).json()["callbacks"]:
                pass
        assert not late.done()
        process.send_signal(signal.SIGTERM)
        assert (await late).status_code == 200
        _, log = await process.communicate()
    assert b"Application shutdown complete" in log
    assert b"Traceback" not in log


async def test_stop_ends_broken_answers_at_once(tmp_path: Path) -> None:
    async with running(tmp_path / "receiver.sqlite3") as (process, client):
        broken = [asyncio.create_task(client.post(f"/callback?{fault}=true")) for fault in ("hang", "drip")]
        async with asyncio.timeout(10):
            while len((await client.get("/callbacks")).json()["callbacks"]) < len(broken):
                pass
        process.send_signal(signal.SIGTERM)
        ended = await asyncio.gather(*broken, return_exceptions=True)
        _, log = await process.communicate()
    assert [isinstance(one, httpx.TransportError) for one in ended] == [True, True]
    assert b"Application shutdown complete" in log
    assert b"Traceback" not in log


async def test_closed_answer_is_no_answer_to_an_http_client(tmp_path: Path) -> None:
    async with running(tmp_path / "receiver.sqlite3") as (_, client):
        with pytest.raises(httpx.TransportError):
            await client.post("/callback?close=true")
        assert (await client.get("/healthcheck")).status_code == 200
