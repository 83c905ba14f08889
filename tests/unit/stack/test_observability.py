"""When Prometheus, Grafana and Jaeger run beside the stack."""

import pytest

from stack.config import stack_settings
from stack.errors import StackError
from stack.observability import is_wanted, observed, refuse_natively, with_profile


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OBSERVABILITY": ""}, False),
        ({"OBSERVABILITY": "0"}, False),
        ({"OBSERVABILITY": "false"}, False),
        ({"OBSERVABILITY": "1"}, True),
        ({"COMPOSE_PROFILES": "mine"}, False),
        ({"COMPOSE_PROFILES": "mine, observability"}, True),
    ],
)
def test_they_are_wanted_where_they_are_asked_for(environment: dict[str, str], *, wanted: bool) -> None:
    assert is_wanted(environment) is wanted


def test_the_services_send_their_traces_to_the_viewer() -> None:
    assert observed({"OBSERVABILITY": "1"}) == {
        "OBSERVABILITY": "1",
        "COMPOSE_PROFILES": "observability",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://jaeger:4318",
    }


def test_who_has_a_collector_of_their_own_keeps_it() -> None:
    assert observed({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://mine"})["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://mine"


def test_other_profiles_stay() -> None:
    assert with_profile({"COMPOSE_PROFILES": "mine"})["COMPOSE_PROFILES"] == "mine,observability"
    assert with_profile({"COMPOSE_PROFILES": "observability"})["COMPOSE_PROFILES"] == "observability"


def test_natively_they_cannot_be_had() -> None:
    refuse_natively({})
    with pytest.raises(StackError, match=r"^OBSERVABILITY=1 needs containers"):
        refuse_natively({"OBSERVABILITY": "1"})


def test_their_ports_must_be_free_where_they_are_wanted() -> None:
    without = stack_settings({}, "containers").ports
    wanted = stack_settings({"OBSERVABILITY": "1", "GRAFANA_PORT": "3001"}, "containers").ports

    assert wanted == {**without, "GRAFANA_PORT": 3001, "PROMETHEUS_PORT": 9090, "JAEGER_PORT": 16686}
