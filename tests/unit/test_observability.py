"""What the rules and the dashboard ask for is what the services measure."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import Histogram

from services.telemetry import metrics
from stack.config import ROOT

FOLDER = ROOT / "observability"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana/dashboards/async-tasks.json").read_text())
RULES: list[dict[str, str]] = [
    rule for group in yaml.safe_load((FOLDER / "prometheus/rules.yml").read_text())["groups"] for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}


def exported() -> Iterator[str]:
    """The names that a scrape of a service can have."""
    for family in metrics.REGISTRY.collect():
        yield family.name
        if family.type == "counter":
            yield f"{family.name}_total"
        if family.type == "histogram":
            yield from (f"{family.name}{suffix}" for suffix in ("_bucket", "_sum", "_count"))


EXPORTED = set(exported())
EXPRESSIONS = [
    *(rule["expr"] for rule in RULES),
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_that_is_asked_for_is_exported_or_recorded(expression: str) -> None:
    asked = set(re.findall(r"(?<![:\w])(?:queue:)?(?:async_tasks|process)_\w+(?::max)?", expression))
    # The two whose names a pattern gives.
    asked.discard("async_tasks_queue_last_")
    assert asked <= EXPORTED | RECORDED


def test_no_metric_of_the_services_is_left_out_of_the_dashboard() -> None:
    asked = " ".join(EXPRESSIONS)
    instruments = {family.name for family in metrics.REGISTRY.collect() if family.name.startswith("async_tasks_")}
    assert [name for name in instruments if name not in asked and not name.startswith("async_tasks_queue_last_")] == []


def test_an_alert_says_how_bad_it_is_what_it_means_and_what_to_do() -> None:
    for rule in RULES:
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"warning", "critical"}  # type: ignore[index]  # a mapping here
            assert set(rule["annotations"]) == {"summary", "action"}


def test_panels_have_numbers_and_places_of_their_own() -> None:
    every = DASHBOARD["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    cells = [
        (x, y)
        for panel in every
        for grid in [panel["gridPos"]]
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_panels_ask_a_data_source_that_is_provisioned_and_say_what_they_show() -> None:
    provisioned = yaml.safe_load((FOLDER / "grafana/provisioning/datasources/datasources.yml").read_text())
    sources = {source["uid"] for source in provisioned["datasources"]}
    for panel in PANELS:
        assert {target["datasource"]["uid"] for target in panel["targets"]} <= sources
        assert panel["description"].endswith(".")


def test_the_buckets_of_every_histogram_rise() -> None:
    histograms = [each for each in vars(metrics).values() if isinstance(each, Histogram)]
    assert histograms
    for histogram in histograms:
        bounds = list(histogram._kwargs["buckets"])  # noqa: SLF001  # the library shows them of children alone
        assert bounds == sorted(set(bounds))
