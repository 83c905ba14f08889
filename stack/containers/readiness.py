"""Whether a container does its work: the engine knows of most, the others are asked."""

from collections.abc import Mapping
from functools import partial

from stack.config import StackSettings
from stack.containers.docker import Container, succeeds_in
from stack.readiness import READY, Probe, Readiness, http_probe, impatient, localstack_probe
from stack.status import API, CONSOLE, LOCALSTACK, RECEIVER

ENDED = {"restarting", "exited", "dead"}


def known_readiness(container: Container, restarts_before: int) -> Readiness | None:
    """What the engine knows of it; None where its health check is to be asked. Pure.

    The engine runs a health check for the first time an interval after the start, and again no sooner. One that is
    unhealthy may have recovered since, and one that is started again and again is mostly seen running.
    """
    if container.state in ENDED:
        return Readiness("failed", f"it has exited with {container.exit_code}")
    if container.restarts > restarts_before:
        return Readiness("failed", "it has exited, and the engine has started it again")
    if container.state == "paused":
        return Readiness("failed", f"it is paused (`docker unpause {container.name}` lets it go on)")
    if container.state != "running":
        return Readiness("not yet", f"it is {container.state}")
    return READY if container.health in {"healthy", "none"} else None


def readiness_of(
    container: Container, settings: StackSettings, restarts_before: int, recovered_by: float
) -> Readiness | Probe:
    """Its readiness where the engine knows it, else how to ask.

    One that the engine calls unhealthy has failed where it is not ready at `recovered_by`, in the seconds of
    `time.monotonic`.
    """
    if known := known_readiness(container, restarts_before):
        return known
    probe = probe_of(container, settings)
    return impatient(probe, recovered_by) if container.health == "unhealthy" else probe


def probe_of(container: Container, settings: StackSettings) -> Probe:
    """How to ask it: at its port on this machine where it has one, else by its own health check, which costs more."""
    if container.service == LOCALSTACK:
        return localstack_probe(settings.localstack_url)
    url = health_urls(settings).get(container.service)
    return http_probe(url) if url else partial(_by_its_health_check, container)


def health_urls(settings: StackSettings) -> Mapping[str, str]:
    """Where those services say how they are that are reachable from this machine."""
    return {
        LOCALSTACK: f"{settings.localstack_url}/_localstack/health",
        RECEIVER: f"{settings.receiver_url}/healthcheck",
        API: f"{settings.api_url}/readyz",
        CONSOLE: f"{settings.console_url}/healthcheck",
    }


def _by_its_health_check(container: Container) -> Readiness:
    if succeeds_in(container, container.health_check):
        return READY
    return Readiness("not yet", "its health check fails")
