"""Helpers for task types whose JSON is to keep its numbers: what a task comes with and an outcome goes out with."""

from services.primitives.exact_json import compact, dumps, loads, pretty

__all__ = ["compact", "dumps", "loads", "pretty"]
