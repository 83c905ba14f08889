"""Task type `calculation`: add, subtract, multiply, divide; in decimal, rounded half up."""

import math
from decimal import ROUND_05UP, ROUND_HALF_UP, Context, Decimal, DecimalException
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.task_types import ItemError, TaskContext, TaskItem, TaskType

# Enough digits for the exact sum of the largest and the smallest double, and for 12 decimals of their quotient.
_PRECISION = 1000
# Rounding twice must not differ from rounding the exact result once: it is what this mode of the first step is for.
_OPERATION = Context(prec=_PRECISION, rounding=ROUND_05UP)
_RESULT = Context(prec=_PRECISION, rounding=ROUND_HALF_UP)

_MOST_DIGITS = 12


def _json_number(value: object) -> object:
    """Pass JSON numbers only: pydantic would take "1.5" and true for a Decimal too."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise PydanticCustomError("number_type", "Input should be a number")
    return value


def _fits_json(value: Decimal) -> Decimal:
    if not _is_json_number(value):
        raise PydanticCustomError("finite_number", "Input should be a finite number, at most 1.8e308")
    return value


def _is_json_number(value: Decimal) -> bool:
    """Return whether a JSON reader that uses doubles can take the number (RFC 8259, section 6)."""
    return math.isfinite(float(value))


def _integral(value: object) -> object:
    """Pass 2.0 as the integer that it is (JSON Schema 2020-12 validation, section 6.1.1)."""
    if isinstance(value, Decimal) and -_MOST_DIGITS <= value <= _MOST_DIGITS and value == int(value):
        return int(value)
    return value


Number = Annotated[
    Decimal,
    BeforeValidator(_json_number),
    AfterValidator(_fits_json),
    WithJsonSchema({"type": "number"}),
]


Result = Annotated[int | Decimal, WithJsonSchema({"type": "number"})]


class CalculationItem(TaskItem):
    """`num_1` `operation` `num_2`, rounded to `result_rounding` digits after the point (before it, where negative)."""

    num_1: Number
    num_2: Number
    # Generators of clients take their constants' names from there: an operator is none.
    operation: Annotated[
        Literal["+", "-", "*", "/"],
        Field(json_schema_extra={"x-enum-varnames": ["ADD", "SUBTRACT", "MULTIPLY", "DIVIDE"]}),
    ]
    result_rounding: Annotated[int, Field(strict=True, ge=-_MOST_DIGITS, le=_MOST_DIGITS), BeforeValidator(_integral)]


def calculate(item: CalculationItem) -> Result:
    """Return the result as a JSON number, or raise `ItemError` where there is none."""
    if item.operation == "/" and item.num_2 == 0:
        raise ItemError("division by zero")
    try:
        rounded = _apply(item).quantize(Decimal(1).scaleb(-item.result_rounding), context=_RESULT)
    except DecimalException as error:
        raise ItemError(f"the result cannot be represented: {type(error).__name__}") from error
    if not _is_json_number(rounded):
        raise ItemError("the result cannot be represented: it is beyond 1.8e308")
    return _plain(rounded)


def _apply(item: CalculationItem) -> Decimal:
    match item.operation:
        case "+":
            return _OPERATION.add(item.num_1, item.num_2)
        case "-":
            return _OPERATION.subtract(item.num_1, item.num_2)
        case "*":
            return _OPERATION.multiply(item.num_1, item.num_2)
        case "/":
            return _OPERATION.divide(item.num_1, item.num_2)


def _plain(value: Decimal) -> int | Decimal:
    """Write 8.8E+2 as 880, 2.50 as 2.5, and -0 as 0."""
    if value == value.to_integral_value():
        return int(value)
    return value.normalize(_RESULT)


async def _run(item: CalculationItem, _context: TaskContext) -> Result:
    return calculate(item)


TASK_TYPE = TaskType(
    name="calculation",
    route="/v1/calculation/basic",
    summary="Do basic calculations",
    item=CalculationItem,
    run=_run,
    example=[
        {"name": "calc_0", "num_1": 123, "num_2": 0.75647, "operation": "+", "result_rounding": 2},
        {"name": "calc_1", "num_1": 785687256, "num_2": 0.75647, "operation": "-", "result_rounding": 4},
        {
            "name": "calc_2",
            "num_1": Decimal("0.877666663555222222"),
            "num_2": 1000,
            "operation": "*",
            "result_rounding": -1,
        },
        {"name": "calc_3", "num_1": 1, "num_2": 0, "operation": "/", "result_rounding": 0},
    ],
    max_attempts=3,
    retry_delay_seconds=5,
)
