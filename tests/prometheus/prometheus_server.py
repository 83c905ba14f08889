"""Runs a real Prometheus with the project's rules, and asks it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from stack.config import ROOT
from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready

RULES = ROOT / "observability/prometheus/rules.yml"
PATIENCE_SECONDS = 60
Series = list[dict[str, Any]]


@dataclass(frozen=True)
class Prometheus:
    """A server that runs."""

    client: httpx.AsyncClient

    async def query(self, expression: str) -> Series:
        """What the expression gives now. Raises AssertionError, with Prometheus's words, where it is none."""
        answer = await self.client.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, (expression, answer.text)
        series: Series = answer.json()["data"]["result"]
        return series

    async def value(self, expression: str) -> float | None:
        """The value of the only series that the expression gives, None where it gives none."""
        series = await self.query(expression)
        if not series:
            return None
        [one] = series
        return float(one["value"][1])

    async def reaches(self, expression: str, value: float) -> None:
        """Wait until a scrape has brought the value."""
        await self._until(expression, lambda series: [float(each["value"][1]) for each in series] == [value])

    async def gives_data(self, expression: str) -> Series:
        """Wait until the expression gives a series."""
        return await self._until(expression, bool)

    async def gives_nothing(self, expression: str) -> None:
        """Wait until the expression gives no series any more: what was sampled last is of a while ago."""
        await self._until(expression, lambda series: not series)

    async def _until(self, expression: str, reached: Callable[[Series], bool]) -> Series:
        series: Series = []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not reached(series := await self.query(expression)):  # noqa: ASYNC110  # nothing announces a scrape
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"{expression}: the last answer was {series}") from None
        return series

    async def get(self, path: str) -> Any:
        """The data of another answer of its HTTP API."""
        return (await self.client.get(f"/api/v1/{path}")).json()["data"]


@asynccontextmanager
async def running_prometheus(
    program: Path, directory: Path, targets: Mapping[str, list[str]]
) -> AsyncIterator[Prometheus]:
    """Scrape the targets, by job, each second."""
    config = directory / "prometheus.yml"
    config.write_text(yaml.safe_dump(_config(targets)))
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await asyncio.to_thread(wait_until_ready, "Prometheus", http_probe(f"{url}/-/ready"), PATIENCE_SECONDS)
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
            yield Prometheus(client)
    finally:
        process.terminate()
        await process.wait()


def _config(targets: Mapping[str, list[str]]) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": addresses}]} for job, addresses in targets.items()
        ],
    }


def dashboard_expressions(rate_interval: str) -> dict[str, str]:
    """Every expression of the dashboard, by its panel's title and its letter."""
    dashboard = json.loads((ROOT / "observability/grafana/dashboards/async-tasks.json").read_text())
    return {
        f"{panel['title']} {target['refId']}": target["expr"].replace("$__rate_interval", rate_interval)
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    }
