"""The stack in containers: Docker Compose does the work, this decides in which order."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import repeat

from stack import container_logs, observability, saved_messages
from stack.additional_workers import compose_environment, write_additions
from stack.config import ROOT, StackSettings
from stack.console import OnProgress, say
from stack.docker import Compose, Container, image_exists, pull, start, stop, succeeds_in
from stack.errors import StackError, no_such_service
from stack.localstack import render_queues
from stack.log_line import RawLine
from stack.logs import as_evidence
from stack.mode import engine_answers
from stack.ports import require_free_ports
from stack.programs import API, CONSOLE, LOCALSTACK, RECEIVER
from stack.readiness import READY, Probe, Readiness, wait_until_ready
from stack.sqs import connect
from stack.status import ServiceStatus

READY_SECONDS = 120.0
EVIDENCE_LINES = 20


def up(settings: StackSettings, on_progress: OnProgress = say) -> None:
    """Start the stack and return when every service is ready; what runs already and has not changed runs on.

    Raises `StackError` where something is missing, or a service does not become ready.
    """
    _require_engine()
    settings.directory.mkdir(parents=True, exist_ok=True)
    write_additions(settings)
    compose = _compose_to_start(settings)
    running = _running(compose)
    if not running:
        require_free_ports(settings)
    elif _must_replace_localstack(compose, running, settings):
        on_progress("The queues have changed: the stack starts again.")
        down(settings, on_progress)
    _provide_images(compose, on_progress)
    compose.run("create", "--no-build", "--remove-orphans")
    _start(compose, [LOCALSTACK, RECEIVER], on_progress)
    saved_messages.restore(settings, on_progress)
    _start(compose, _deployables(compose), on_progress)


def down(settings: StackSettings, on_progress: OnProgress = say) -> None:
    """Stop the stack: what is in hand is finished, what is queued is saved for the next `up`.

    The receiver keeps its data.
    """
    _require_engine()
    compose = _compose(settings)
    running = _running(compose)
    on_progress("Stopping the API, the workers, the DLQ watcher and the console: they finish what they have in hand.")
    # All together: what the API accepts to the last is on its queue, and saved from there.
    stop(container for container in running if container.service not in {LOCALSTACK, RECEIVER})
    if any(container.service == LOCALSTACK for container in running):
        saved_messages.save_where_possible(settings, on_progress)
    on_progress("Stopping LocalStack and the receiver.")
    compose.run("down", "--remove-orphans", process_group=0)


def ps(settings: StackSettings) -> list[ServiceStatus]:
    """Every container of the stack."""
    _require_engine()
    with ThreadPoolExecutor() as threads:
        return list(threads.map(_status, _compose(settings).containers(), repeat(settings)))


def log_lines(
    settings: StackSettings, service: str | None, *, last: int | None, follow: bool
) -> Iterator[list[RawLine]]:
    """The last lines of each log, or all that is kept where `last` is None; with `follow`, what comes then.

    Raises `StackError` where there is no such service.
    """
    _require_engine()
    compose = _compose(settings)
    names = compose.services()
    if service is not None and service not in names:
        raise no_such_service(service, names)
    return container_logs.read(compose, service, last=last, follow=follow)


def _require_engine() -> None:
    """Raise `StackError` where no container engine can be used."""
    if not engine_answers():
        raise StackError(
            "No container engine with Compose v2 answers (`docker info`, `docker compose version`): start it, "
            "or run `make up MODE=native`."
        )


def _compose(settings: StackSettings) -> Compose:
    """Compose on all that may run."""
    return Compose(observability.with_profile(compose_environment(settings)))


def _compose_to_start(settings: StackSettings) -> Compose:
    environment = compose_environment(settings)
    return Compose(observability.observed(environment) if observability.is_wanted(environment) else environment)


def _running(compose: Compose) -> list[Container]:
    return [container for container in compose.containers() if container.state == "running"]


def _deployables(compose: Compose) -> list[str]:
    """The services that send to queues or receive from them."""
    return [name for name in compose.services() if name not in {LOCALSTACK, RECEIVER}]


def _must_replace_localstack(compose: Compose, running: list[Container], settings: StackSettings) -> bool:
    """Whether LocalStack lacks a queue, which it makes at its start, or Compose would replace it with all messages."""
    localstack = [container for container in running if container.service == LOCALSTACK]
    if not localstack:
        return False
    return localstack[0].configuration != compose.configuration(LOCALSTACK) or _lacks_queues(settings)


def _lacks_queues(settings: StackSettings) -> bool:
    prefix = settings.environment.get("QUEUE_NAME_PREFIX", "")
    wanted = {prefix + queue["name"] for queue in json.loads(render_queues(settings.environment))["queues"]}
    with connect(settings) as sqs:
        return not wanted <= sqs.queue_urls().keys()


def _provide_images(compose: Compose, on_progress: OnProgress) -> None:
    services = compose.config()["services"].values()
    published = [service["image"] for service in services if "build" not in service]
    for image in (_base_image(), *published):
        if not image_exists(image):
            on_progress(f"Pulling {image}.")
            pull(image)
    on_progress("Building the services' image: minutes the first time, seconds from then on.")
    compose.run("build", API)  # the one image that all services share


def _base_image() -> str:
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    if not found:
        raise StackError("The Dockerfile names no PYTHON_IMAGE.")
    return found[1]


def _start(compose: Compose, services: list[str], on_progress: OnProgress) -> None:
    """Start the services' containers, which Compose has created, and wait until they are ready.

    The engine starts them: Compose would wait for health checks, which the engine runs for the first time late.
    """
    on_progress(f"Starting {', '.join(services)}.")
    start(each for each in compose.containers() if each.service in services and each.state != "running")
    for service in services:
        try:
            wait_until_ready(service, _probe(compose, service), READY_SECONDS)
        except StackError as error:
            end = container_logs.read(compose, service, last=EVIDENCE_LINES, follow=False)
            raise StackError(str(error), as_evidence(end)) from error


def _probe(compose: Compose, service: str) -> Probe:
    """Ready when every copy of the service is."""

    def ask() -> Readiness:
        copies = [container for container in compose.containers() if container.service == service]
        answers = (container_readiness(copy) for copy in copies)
        return next((answer for answer in answers if answer != READY), READY)

    return ask


def container_readiness(container: Container) -> Readiness:
    """Whether the container does its work, by its own health check, asked at once where the engine has not yet."""
    if container.state in {"restarting", "exited", "dead"}:
        return Readiness("failed", f"{container.name} exited with {container.exit_code}")
    if container.health == "unhealthy":
        return Readiness("failed", f"{container.name} is unhealthy")
    if container.health == "healthy" or succeeds_in(container, container.health_check):
        return READY
    return Readiness("not yet", f"the health check of {container.name} fails")


def _status(container: Container, settings: StackSettings) -> ServiceStatus:
    health_urls = {
        LOCALSTACK: f"{settings.localstack_url}/_localstack/health",
        RECEIVER: f"{settings.receiver_url}/healthcheck",
        API: f"{settings.api_url}/readyz",
        CONSOLE: f"{settings.console_url}/healthcheck",
    }
    first = container.number == 1
    return ServiceStatus(
        name=container.service if first else f"{container.service}-{container.number}",
        state=container.state,
        health="healthy" if container_readiness(container) == READY else "unhealthy",
        pid=container.pid,
        uptime_seconds=_uptime_seconds(container),
        health_url=health_urls.get(container.service),
    )


def _uptime_seconds(container: Container) -> int | None:
    if container.pid is None:
        return None
    # Go prints nanoseconds, of which Python reads six digits.
    started_at = datetime.fromisoformat(container.started_at[:19]).replace(tzinfo=UTC)
    return round((datetime.now(UTC) - started_at).total_seconds())
