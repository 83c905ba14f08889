"""The work that every system does: two calculations and the outcome's JSON. Nothing but the standard library.

The arithmetic of `services.tasks.calculation` without its checks, which is to the advantage of the others.
"""

import json
import os
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

_CONTEXT = Context(prec=1000, rounding=ROUND_HALF_UP)
_OPERATIONS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": _CONTEXT.add,
    "-": _CONTEXT.subtract,
    "*": _CONTEXT.multiply,
    "/": _CONTEXT.divide,
}

Item = dict[str, Any]

ITEMS: Sequence[Item] = (
    {"name": "calc_0", "num_1": 123, "num_2": 0.75647, "operation": "+", "result_rounding": 2},
    {"name": "calc_1", "num_1": 785687256, "num_2": 0.75647, "operation": "-", "result_rounding": 4},
)
"""The first two of the documentation's example."""

CALLBACK_HEADERS = {"content-type": "application/json"}


def queue_name() -> str:
    """Return the queue that this process is to work, or to fill."""
    return os.environ["BENCH_QUEUE"]


def callback_url() -> str:
    """Return where the outcomes of the tasks that this process submits are to go."""
    return os.environ["BENCH_CALLBACK_URL"]


def outcome(task_id: str, items: Sequence[Item]) -> bytes:
    """Do the calculations and return the body of the callback."""
    results = [{item["name"]: _calculate(item)} for item in items]
    return json.dumps({"results": results, "errors": [], "task_id": task_id}).encode()


def _calculate(item: Item) -> float:
    exact = _OPERATIONS[item["operation"]](Decimal(str(item["num_1"])), Decimal(str(item["num_2"])))
    return float(exact.quantize(Decimal(1).scaleb(-item["result_rounding"]), context=_CONTEXT))
