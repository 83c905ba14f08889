"""The API's table and targets."""

from bench.api import API, NO_SQS, PROJECT_API, SINGLE_SENDS, Endpoint, api_case
from bench.api_report import api_tables, api_targets
from bench.measurements import Measurement
from tests.tools.unit.bench.records import measured, results_of


def rate(endpoint: Endpoint, requests_per_second: float, p99_ms: float, connections: int = 64) -> Measurement:
    figures = {"requests_per_second": requests_per_second, "p99_ms": p99_ms, "lost": 0.0}
    return measured(API, endpoint.name, figures, api_case(connections))


def test_the_api_is_held_against_both_endpoints_at_64_connections() -> None:
    results = results_of(
        rate(PROJECT_API, 4000, 30),
        rate(NO_SQS, 5000, 10),
        rate(SINGLE_SENDS, 800, 60),
        rate(PROJECT_API, 1, 1000, connections=1),
    )
    assert {target.what: (target.value, target.met) for target in api_targets(results)} == {
        "API at 64 connections, of one SendMessage a request's": (5.0, True),
        "API's p99 at 64 connections, of one SendMessage a request's": (0.5, True),
        "API at 64 connections, of the endpoint's without SQS": (0.8, True),
    }


def test_the_table_has_a_row_for_each_endpoint_at_each_number_of_connections_at_which_it_was_measured() -> None:
    results = results_of(rate(PROJECT_API, 100, 30, connections=1), rate(PROJECT_API, 4000, 30), rate(NO_SQS, 5000, 10))
    [table] = api_tables(results)
    assert [row[0] for row in table.rows] == [
        "this project, 1 connection",
        "this project, 64 connections",
        "no SQS at all, 64 connections",
    ]


def test_what_was_not_measured_has_no_target() -> None:
    assert list(api_targets(results_of(rate(PROJECT_API, 4000, 30)))) == []
