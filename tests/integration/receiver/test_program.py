"""`python -m receiver` as a real process."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

PATIENCE_SECONDS = 60
"""How long a test waits for what must happen, before it fails."""

RECEIVER = (sys.executable, "-m", "receiver")
# A file system of its own that a user may mount, in a namespace that ends with the process.
OWN_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
MOUNTED = 'mount -t tmpfs -o size=1m none "$0" && head -c 900000 /dev/zero > "$0/ballast" && exec "$@"'


@asynccontextmanager
async def running(
    database: Path, command: Sequence[str] = RECEIVER
) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """The program on a free port, and a client of it."""
    settings = {"RECEIVER_PORT": "0", "RECEIVER_DATABASE": str(database), "CALLBACK_SIGNING_SECRET": ""}
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | settings, stdout=PIPE)
    try:
        async with httpx.AsyncClient(base_url=await logged_url(process), timeout=PATIENCE_SECONDS) as client:
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def logged_url(process: Process) -> str:
    """The URL that the program logs once it listens."""
    assert process.stdout
    log = ""
    async for line in process.stdout:
        log += line.decode()
        if listening := re.search(r'Listening on (http:[^\s"]+)', log):
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
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (await client.get("/callbacks")).json()["callbacks"]:
                pass
        assert not late.done()
        process.send_signal(signal.SIGTERM)
        assert (await late).status_code == 200
        log, _ = await process.communicate()
    assert b"Application shutdown complete" in log
    assert b"Traceback" not in log


async def test_stop_ends_broken_answers_at_once(tmp_path: Path) -> None:
    async with running(tmp_path / "receiver.sqlite3") as (process, client):
        broken = [asyncio.create_task(client.post(f"/callback?{fault}=true")) for fault in ("hang", "drip")]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len((await client.get("/callbacks")).json()["callbacks"]) < len(broken):
                pass
        process.send_signal(signal.SIGTERM)
        ended = await asyncio.gather(*broken, return_exceptions=True)
        log, _ = await process.communicate()
    assert [isinstance(one, httpx.TransportError) for one in ended] == [True, True]
    assert b"Application shutdown complete" in log
    assert b"Traceback" not in log


async def test_stop_ends_the_events_at_once(tmp_path: Path) -> None:
    async with running(tmp_path / "receiver.sqlite3") as (process, client):
        async with client.stream("GET", "/events") as response:
            events = response.aiter_lines()
            await anext(events)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert [line async for line in events if line] == ["retry: 1000"]
        log, _ = await process.communicate()
    assert b"Application shutdown complete" in log
    assert b"timeout graceful shutdown exceeded" not in log
    assert b"Traceback" not in log


async def test_each_delivery_is_a_line_of_json_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"webhook-id": "t", "traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    body: dict[str, list[str]] = {"results": [], "errors": []}
    async with running(tmp_path / "receiver.sqlite3") as (process, client):
        await client.post("/callback?status=503", json=body, headers=headers)
        with pytest.raises(httpx.TransportError):
            await client.post("/callback?close=true", json=body, headers={"webhook-id": "t"})
        process.terminate()
        log, _ = await process.communicate()
    lines = [json.loads(line) for line in log.splitlines()]
    refused, cut_off = [line for line in lines if line["event"] == "callback received"]
    assert datetime.fromisoformat(refused.pop("timestamp")).utcoffset() == timedelta(0)
    assert refused == {
        "event": "callback received",
        "level": "info",
        "logger": "receiver",
        "task_id": "t",
        "attempt": 1,
        "status": 503,
        "outcome": "success",
        "trace_id": trace_id,
    }
    assert (cut_off["attempt"], cut_off["fault"], cut_off.keys() & {"status", "trace_id"}) == (2, "close", set())


@pytest.mark.parametrize("redirection", ["> /dev/full", "> /dev/full 2>&1", ">&- 2>&-"])
async def test_callbacks_are_taken_where_no_log_can_be_written(tmp_path: Path, redirection: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"RECEIVER_PORT": str(port), "RECEIVER_DATABASE": str(tmp_path / "db"), "LOG_LEVEL": "DEBUG"}
    command = ["sh", "-c", f'exec "$0" "$@" {redirection}', *RECEIVER]
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | settings)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_SECONDS) as client:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await is_serving(client):  # noqa: ASYNC110  # its log cannot say
                await asyncio.sleep(0.05)
        answers = [await client.post("/callback", headers={"webhook-id": "t"}) for _ in range(3)]
        heard = (await client.get("/callbacks")).json()["callbacks"]
    process.send_signal(signal.SIGTERM)

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [callback["attempt"] for callback in heard] == [1, 2, 3]
    # uvicorn ends as by the signal.
    assert await asyncio.wait_for(process.wait(), PATIENCE_SECONDS) == -signal.SIGTERM


async def is_serving(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/healthcheck")).status_code == 200
    except httpx.TransportError:
        return False


def may_mount(directory: Path) -> bool:
    """Whether this machine lets a user mount a file system."""
    command = [*OWN_NAMESPACE, "mount", "-t", "tmpfs", "none", str(directory)]
    return shutil.which("unshare") is not None and not subprocess.run(command, check=False).returncode  # noqa: S603


def make_room(process: Process, directory: Path) -> None:
    """Remove the ballast, where the process sees it."""
    Path(f"/proc/{process.pid}/root{directory}/ballast").unlink()


async def test_full_disk_is_answered_507_until_there_is_room(tmp_path: Path) -> None:
    if not may_mount(tmp_path):
        pytest.skip("this machine lets no user mount a file system")
    command = [*OWN_NAMESPACE, "sh", "-c", MOUNTED, str(tmp_path), *RECEIVER]
    async with running(tmp_path / "receiver.sqlite3", command) as (process, client):

        async def deliver(task_id: str) -> httpx.Response:
            return await client.post("/callback", headers={"webhook-id": task_id}, content=b"x" * 20_000)

        stored = 0
        while (answer := await deliver(f"task-{stored}")).status_code == 200:
            stored += 1
        assert (answer.status_code, stored > 0) == (507, True)
        assert "disk" in answer.json()["detail"]
        assert (await deliver("refused again")).status_code == 507
        assert (await client.get("/healthcheck")).status_code == 200
        assert len((await client.get("/callbacks/summary")).json()["tasks"]) == stored

        make_room(process, tmp_path)
        assert (await deliver(f"task-{stored}")).status_code == 200
        callbacks = (await client.get("/callbacks")).json()["callbacks"]
        assert [one["attempt"] for one in callbacks] == [1] * (stored + 1)
        assert {len(one["raw_body"]) for one in callbacks} == {20_000}
