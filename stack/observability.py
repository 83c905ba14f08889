"""Prometheus, Grafana and a trace viewer beside the stack: `make up OBSERVABILITY=1`, in containers alone."""

from collections.abc import Mapping

from stack.errors import StackError

PROFILE = "observability"
"""That of docker-compose.yml which has them."""

OTLP_ENDPOINT = "http://jaeger:4318"
"""The trace viewer as the services in containers reach it."""

_OFF = {"", "0", "false", "no"}


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether `OBSERVABILITY` asks for them, or their profile is named to Compose."""
    asked = environment.get("OBSERVABILITY", "").lower() not in _OFF
    return asked or PROFILE in _profiles(environment)


def observed(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which Compose starts them too, and the services send traces there unless set otherwise."""
    endpoint = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or OTLP_ENDPOINT
    return {**with_profile(environment), "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}


def with_profile(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which Compose knows of them, whether or not they run."""
    return {**environment, "COMPOSE_PROFILES": ",".join(dict.fromkeys([*_profiles(environment), PROFILE]))}


def refuse_natively(environment: Mapping[str, str]) -> None:
    """Raise `StackError` where they are asked for and cannot be had."""
    if is_wanted(environment):
        raise StackError(
            "OBSERVABILITY=1 needs containers: Prometheus, Grafana and Jaeger are images. Start a container engine, or "
            "leave it out and point your own Prometheus at the services (observability/README.md)."
        )


def _profiles(environment: Mapping[str, str]) -> list[str]:
    return [name for each in environment.get("COMPOSE_PROFILES", "").split(",") if (name := each.strip())]
