"""The health endpoints of a program that serves nothing else."""

import os

import httpx
import pytest

from services.health import Service, serve_health
from services.settings import BrokerSettings


async def test_the_process_lives_and_is_ready_when_every_part_works(http: httpx.AsyncClient, closed_port: int) -> None:
    reasons: list[str | None] = [None, None]
    address = f"http://127.0.0.1:{closed_port}"

    service = Service("worker-calculation", checks=[lambda: reasons[0], lambda: reasons[1]])

    async with serve_health(BrokerSettings(health_port=closed_port), service):
        ready = await http.get(f"{address}/readyz")
        reasons[1] = "calculation: no successful receive yet"
        unready = await http.get(f"{address}/readyz")
        alive = await http.get(f"{address}/healthcheck")

    assert (ready.status_code, ready.json()) == (200, {"state": "ready"})
    assert (unready.status_code, unready.json()) == (503, {"state": "unready", "reasons": [reasons[1]]})
    assert (alive.status_code, alive.json()) == (200, {"state": "healthy"})


async def test_a_port_that_is_taken_stops_the_program_with_the_line_that_names_the_setting(
    closed_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = BrokerSettings(health_port=closed_port)

    async with serve_health(settings, Service("api")):
        with pytest.raises(SystemExit) as end:
            async with serve_health(settings, Service("api")):
                pass

    assert end.value.code == os.EX_CONFIG
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"cannot start: HEALTH_HOST, HEALTH_PORT: cannot listen on 127.0.0.1:{closed_port}: ")
