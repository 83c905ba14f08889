"""Task type `calculation`: exact, rounded half up, and never a crash."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.primitives import exact_json
from services.task_types.task_type import ItemError, TaskRequest
from services.tasks.calculation import TASK_TYPE, CalculationItem, calculate

OPERATIONS = "+-*/"
BEYOND_DOUBLE = "the result cannot be represented"

numbers = st.one_of(
    st.integers(-(10**40), 10**40).map(Decimal),
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.builds(lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(), st.integers(-320, 200)),
    # What lies next to a half of the last digit that is kept.
    st.builds(lambda digits: Decimal(digits).scaleb(-1) + Decimal("1e-1200"), st.integers(-1000, 1000)),
)
roundings = st.integers(-12, 12)


def item(num_1: str | Decimal, operation: str, num_2: str | Decimal, rounding: int) -> CalculationItem:
    return CalculationItem.model_validate(
        {
            "name": "calc",
            "num_1": Decimal(num_1),
            "num_2": Decimal(num_2),
            "operation": operation,
            "result_rounding": rounding,
        }
    )


def result_of(num_1: str, operation: str, num_2: str, rounding: int) -> str:
    """The result as it stands in the outcome."""
    return exact_json.dumps(calculate(item(num_1, operation, num_2, rounding)))


def error_of(num_1: str, operation: str, num_2: str, rounding: int) -> str:
    with pytest.raises(ItemError) as failed:
        calculate(item(num_1, operation, num_2, rounding))
    return str(failed.value)


def exactly(num_1: Decimal, operation: str, num_2: Decimal) -> Fraction:
    left, right = Fraction(num_1), Fraction(num_2)
    return {"+": left + right, "-": left - right, "*": left * right}[operation] if operation != "/" else left / right


def rounded_half_up(value: Fraction, digits: int) -> Fraction:
    scale = Fraction(10) ** digits
    size = math.floor(abs(value) * scale + Fraction(1, 2)) / scale
    return size if value >= 0 else -size


@pytest.mark.parametrize(
    ("num_1", "operation", "num_2", "rounding", "result"),
    [
        ("123", "+", "0.75647", 2, "123.76"),
        ("785687256", "-", "0.75647", 4, "785687255.2435"),
        ("0.877666663555222222", "*", "1000", -1, "880"),
        ("2.675", "+", "0", 2, "2.68"),
        ("0.1", "+", "0.2", 12, "0.3"),
        ("0.5", "+", "0", 0, "1"),
        ("2.5", "+", "0", 0, "3"),
        ("-2.5", "+", "0", 0, "-3"),
        ("-0.4", "+", "0", 0, "0"),
        ("15", "+", "0", -1, "20"),
        ("500000000000", "+", "0", -12, "1000000000000"),
        ("2", "/", "3", 12, "0.666666666667"),
        ("0", "/", "5", 2, "0"),
        ("1.10", "+", "0", 2, "1.1"),
        ("100", "*", "100", 2, "10000"),
        ("1.7e308", "-", "1.7e308", 2, "0"),
        ("1e-12", "+", "0", 12, "1E-12"),
    ],
)
def test_a_calculation_is_done_in_decimal_and_rounded_half_up(
    num_1: str, operation: str, num_2: str, rounding: int, result: str
) -> None:
    assert result_of(num_1, operation, num_2, rounding) == result


@pytest.mark.parametrize("num_1", ["1", "-1", "0", "0.0", "1e308"])
@pytest.mark.parametrize("zero", ["0", "0.0", "-0.0", "0e10"])
def test_a_division_by_zero_says_so(num_1: str, zero: str) -> None:
    assert error_of(num_1, "/", zero, 0) == "division by zero"


@pytest.mark.parametrize(
    ("num_1", "operation", "num_2"),
    [
        ("1e308", "*", "10"),
        ("-1e308", "*", "10"),
        ("1e308", "*", "1e308"),
        ("1.7e308", "+", "1.7e308"),
        ("1", "/", "1e-309"),
        ("1", "/", "1e-999999999"),
        ("1e308", "/", "1e-999999999999999999"),
    ],
)
@pytest.mark.parametrize("rounding", [-12, 12])
def test_a_result_that_json_readers_cannot_take_is_an_error(
    num_1: str, operation: str, num_2: str, rounding: int
) -> None:
    assert error_of(num_1, operation, num_2, rounding).startswith(BEYOND_DOUBLE)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("tiny", ["1e-999999999", "-1e-999999999", "1e-999999999999999999"])
@pytest.mark.parametrize("rounding", [-12, 0, 12])
def test_a_tiny_number_beside_a_large_one_neither_hangs_nor_crashes(operation: str, tiny: str, rounding: int) -> None:
    if operation == "/":
        assert result_of(tiny, operation, "1e308", rounding) == "0"
    else:
        assert Decimal(result_of("0", operation, tiny, rounding)) == 0


def test_the_result_is_rounded_once() -> None:
    # Rounded to a thousand digits first, it would be 2.5, and then 3.
    assert result_of("2.5", "-", "1e-1500", 0) == "2"
    assert result_of("-2.5", "+", "1e-1500", 0) == "-2"


@given(numbers, st.sampled_from(OPERATIONS), numbers, roundings)
def test_the_result_is_exactly_the_one_of_fractions_rounded_once(
    num_1: Decimal, operation: str, num_2: Decimal, rounding: int
) -> None:
    calculation = item(num_1, operation, num_2, rounding)
    assume(operation != "/" or num_2 != 0)
    exact = exactly(num_1, operation, num_2)

    if abs(exact) < Fraction(10) ** 308:
        assert Fraction(calculate(calculation)) == rounded_half_up(exact, rounding)
    elif abs(exact) > 2 * Fraction(10) ** 308:
        with pytest.raises(ItemError, match=BEYOND_DOUBLE):
            calculate(calculation)


@given(st.decimals(), st.sampled_from(OPERATIONS), st.decimals(), st.integers())
def test_every_item_is_either_refused_or_has_a_result_or_an_error(
    num_1: Decimal, operation: str, num_2: Decimal, rounding: int
) -> None:
    try:
        result = calculate(item(num_1, operation, num_2, rounding))
    except (ValidationError, ItemError):
        return
    assert math.isfinite(float(exact_json.loads(exact_json.dumps(result))))


ITEM = {"name": "calc", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}


def place_of_error(message: list[Any]) -> tuple[int | str, ...]:
    with pytest.raises(ValidationError) as refused:
        TASK_TYPE.request_model.model_validate({"callback_url": "http://receiver/", "message": message})
    [error] = refused.value.errors()
    return error["loc"]


@pytest.mark.parametrize("field", ["num_1", "num_2"])
@pytest.mark.parametrize(
    "value",
    [
        "1",
        "",
        True,
        None,
        [1],
        {},
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        Decimal("1e400"),
        Decimal("1e999999999"),
        10**400,
    ],
    ids=repr,
)
def test_what_is_no_finite_number_is_refused_at_its_place(field: str, value: object) -> None:
    assert place_of_error([ITEM, ITEM | {field: value}]) == ("message", 1, field)


@pytest.mark.parametrize("value", [2, Decimal("2.0"), Decimal("2e0"), Decimal("0.2e1")])
def test_a_rounding_is_any_number_without_a_fraction(value: object) -> None:
    item = CalculationItem.model_validate(ITEM | {"result_rounding": value})
    assert (item.result_rounding, type(item.result_rounding)) == (2, int)


@pytest.mark.parametrize(
    "value", [-13, 13, Decimal("13.0"), Decimal("1.5"), Decimal("1e999999999"), 1.0, "1", True, None]
)
def test_a_rounding_is_an_integer_from_minus_12_to_12(value: object) -> None:
    assert place_of_error([ITEM | {"result_rounding": value}]) == ("message", 0, "result_rounding")


@pytest.mark.parametrize("value", ["%", "", "++", "add", None, 1])
def test_an_unknown_operation_is_refused(value: object) -> None:
    assert place_of_error([ITEM | {"operation": value}]) == ("message", 0, "operation")


@pytest.mark.parametrize("field", ITEM)
def test_every_field_is_required(field: str) -> None:
    assert place_of_error([{name: value for name, value in ITEM.items() if name != field}]) == ("message", 0, field)


@pytest.mark.parametrize("count", [1, 1000])
def test_the_least_and_the_most_items_are_taken(count: int) -> None:
    request: TaskRequest[CalculationItem] = TASK_TYPE.request_model.model_validate(
        {"callback_url": "http://receiver/", "message": [ITEM] * count}
    )

    assert len(request.message) == count
