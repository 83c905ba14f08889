"""Reads what a service's `/metrics` answers, in Prometheus's text format."""

from collections.abc import Mapping
from typing import TypeAlias

from prometheus_client.parser import text_string_to_metric_families

Labels: TypeAlias = frozenset[tuple[str, str]]
Readings: TypeAlias = Mapping[tuple[str, Labels], float]
"""The value of each sample, by its name and labels."""

_PREFIX = "async_tasks_"


def read_metrics(text: str) -> Readings:
    """Return the services' own metrics. Raises ValueError where the text is in another format."""
    # Not those of the Python runtime: to read a line costs more than to leave it out.
    lines = (line for line in text.splitlines() if line.removeprefix("# TYPE ").startswith(_PREFIX))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families("\n".join(lines) + "\n")
        for sample in family.samples
    }


def matching(readings: Readings, name: str, **labels: str) -> Mapping[Labels, float]:
    """Return the samples of that name which have these labels, by all the labels that they have."""
    wanted = labels.items()
    return {has: value for (each, has), value in readings.items() if each == name and wanted <= has}
