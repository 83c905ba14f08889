"""The stack in containers: Docker Compose does the work, this decides in which order."""

import json
import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import repeat
from pathlib import Path

from stack import observability, state
from stack.broker import saved_messages
from stack.broker.api import connect
from stack.broker.last_save import BrokerState, refuse_paused, stop_and_save
from stack.config import PROJECT, ROOT, StackSettings
from stack.containers import kept_logs
from stack.containers import logs as container_logs
from stack.containers.additions import compose_environment, has_additions, provisioned_queues, write_additions
from stack.containers.docker import (
    LABEL,
    Compose,
    Container,
    image_exists,
    pull,
    remove,
    remove_image,
    resume,
    start,
    stop,
)
from stack.containers.engine import engine_answers
from stack.containers.projects import has_volumes, held_ports, project_containers, require_own
from stack.containers.readiness import health_urls, known_readiness, probe_of, readiness_of
from stack.errors import StackError, no_such_service, not_begun
from stack.image_build import build, require_dockerfile
from stack.logs.command import as_evidence
from stack.logs.line import RawLine
from stack.ports import require_free_ports
from stack.readiness import READY, READY_SECONDS, Probe, Readiness, wait_until_all_ready
from stack.status import API, CONSOLE, LOCALSTACK, RECEIVER, ServiceStatus
from stack.terminal import OnProgress, say
from stack.whole_file import write_whole

# One that the engine calls unhealthy has been given the time of several health checks already. It may yet recover, as
# soon as LocalStack is back.
RECOVERY_SECONDS = 20.0
ALIVE = {"running", "paused", "restarting"}
EVIDENCE_LINES = 20

# How many messages localstack-init/kept_queues.py has kept.
_COUNT = """
import json, os, pathlib
kept = pathlib.Path(os.environ["KEPT_QUEUES_FILE"])
print(sum(len(queue["messages"]) for queue in json.loads(kept.read_text())["queues"]) if kept.exists() else 0)
"""
COUNT_KEPT = ("run", "--rm", "--no-deps", "--no-TTY", "--entrypoint", "python", LOCALSTACK, "-c", _COUNT)


def up(settings: StackSettings, before: StackSettings | None, on_progress: OnProgress = say) -> None:
    """Start the stack and return when every service is ready; what runs already and has not changed runs on.

    `before` is how it runs until now. What can fail is done before anything of that is stopped.
    Raises `StackError` where something is missing, or a service does not become ready.
    """
    _require_engine()
    require_own(settings.project, project_containers())
    settings.directory.mkdir(parents=True, exist_ok=True)
    running = _running(_compose(before)) if before else []
    refuse_paused(settings.broker, _broker_state(running))
    _resume_paused(running, on_progress)
    require_free_ports(settings, held_ports(before.project) if before else ())
    write_additions(settings, _stack_image(settings))
    compose = _compose_to_start(settings)
    _provide_images(compose, settings, on_progress)
    if has_additions(settings):
        if not running:
            # So that `make clean` finds what is made for the look.
            state.remember(settings)
        # Found at once, and not by the health checks of what exits: whether the image has what TASK_PACKAGES names.
        _require_startable(compose, is_running=bool(running))
    if before and running:
        _make_way(compose, running, before, settings, on_progress)
    state.remember(settings)
    write_whole(_made_queues_file(settings), provisioned_queues(settings))
    kept_logs.replace(compose.outdated(), settings.directory, on_progress)
    compose.run("create", "--no-build", "--remove-orphans")
    compose.remove_replaced_images()
    _start(compose, settings, [LOCALSTACK, RECEIVER], on_progress)
    saved_messages.restore(settings, on_progress)
    # All of them once more: none may have gone since.
    _start(compose, settings, [LOCALSTACK, RECEIVER, *_deployables(compose)], on_progress)


def down(settings: StackSettings, on_progress: OnProgress = say, *, force: bool = False) -> None:
    """Stop the stack: what is in flight is finished, what is queued is saved for the next `up`.

    The receiver keeps its data. Raises `StackError` where what is queued cannot be saved and nothing forces it.
    """
    _require_engine()
    require_own(settings.project, project_containers())
    compose = _compose(settings)

    def stop_consumers() -> None:
        on_progress(
            "Stopping the API, the workers, the DLQ watcher and the console: they finish what they have in flight."
        )
        # All together: what the API accepts to the last is on its queue, and saved from there.
        stop(container for container in _running(compose) if container.service not in {LOCALSTACK, RECEIVER})

    stop_and_save(settings, lambda: _broker_state(compose.containers()), stop_consumers, on_progress, force=force)
    on_progress("Stopping LocalStack and the receiver.")
    kept_logs.keep(compose.containers(), settings.directory, on_progress)
    # At once: what it would do at its end in order is for those who stop it otherwise.
    remove(container for container in compose.containers() if container.service == LOCALSTACK)
    compose.run("down", "--remove-orphans", process_group=0)


def clean(settings: StackSettings, *, force: bool = False) -> None:
    """Remove what a stack that was stopped has left on the engine: the receiver's data and the services' image.

    Raises `StackError` where plain Compose has stopped it with something queued and nothing forces it.
    """
    _require_engine()
    require_own(settings.project, project_containers())
    compose = _compose(settings)
    if not force and has_volumes(settings.project) and (kept := int(compose.run(*COUNT_KEPT))):
        raise StackError(
            f"{kept} messages are queued in a volume of {settings.project}, since plain Compose has stopped it: "
            "`make up` goes on with them, `make clean FORCE=1` removes them."
        )
    compose.run("down", "--volumes", "--remove-orphans")
    for image in filter(None, (_services_image(settings), _stack_image(settings))):
        remove_image(image)
    compose.remove_replaced_images()


def ps(settings: StackSettings) -> list[ServiceStatus]:
    """Every container of the stack."""
    try:
        containers = _compose(settings).containers()
    except StackError:
        # It says what to do where it is the engine that is missing.
        _require_engine()
        raise
    with ThreadPoolExecutor() as threads:
        return list(threads.map(_status, containers, repeat(settings)))


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
    living = container_logs.read(compose, service, last=last, follow=follow)
    return living if follow else kept_logs.read(settings.directory, service, living, last=last)


def _require_engine() -> None:
    """Raise `StackError` where no container engine can be used."""
    if not engine_answers():
        raise StackError(
            "No container engine with Compose v2 answers (`docker version`, `docker compose version`): start it, "
            "or run `make up MODE=native`."
        )


def _compose(settings: StackSettings) -> Compose:
    """Compose on all that may run."""
    return Compose(observability.with_profile(compose_environment(settings)))


def _compose_to_start(settings: StackSettings) -> Compose:
    environment = compose_environment(settings)
    return Compose(observability.observed(environment) if observability.is_wanted(environment) else environment)


def _running(compose: Compose) -> list[Container]:
    return [container for container in compose.containers() if container.state in ALIVE]


def _services_image(settings: StackSettings) -> str:
    """The one image that all services share, as docker-compose.yml calls it."""
    return f"{settings.project}-services"


def _stack_image(settings: StackSettings) -> str | None:
    """The image of this clone, on which that of a project is built; None where the stack is the clone's own."""
    return None if PROJECT == ROOT else f"{settings.project}-stack"


def _resume_paused(containers: Iterable[Container], on_progress: OnProgress) -> None:
    paused = [container for container in containers if container.state == "paused"]
    if paused:
        on_progress(f"Paused, and let go on: {', '.join(container.instance for container in paused)}.")
        resume(paused)


def _deployables(compose: Compose) -> list[str]:
    """The services that send to queues or receive from them."""
    return [name for name in compose.services() if name not in {LOCALSTACK, RECEIVER}]


def _broker_state(containers: Iterable[Container]) -> BrokerState:
    localstack = next((container for container in containers if container.service == LOCALSTACK), None)
    if localstack is None or localstack.state == "created":
        return BrokerState("never started")
    if localstack.state == "paused":
        return BrokerState("paused", f"docker unpause {localstack.name}")
    return BrokerState("running" if localstack.state == "running" else "ended")


def _make_way(
    compose: Compose,
    running: list[Container],
    before: StackSettings,
    settings: StackSettings,
    on_progress: OnProgress,
) -> None:
    """Stop what runs where the new stack cannot take its place container by container."""
    outdated = compose.outdated()
    if outdated or before.project != settings.project:
        _require_startable(compose, is_running=True)
    if before.project != settings.project:
        on_progress(f"The Compose project was {before.project}: the stack starts again.")
    elif _must_replace_localstack(running, outdated, before, settings):
        on_progress("The queues, or LocalStack's settings, have changed: the stack starts again.")
    else:
        return
    down(before, on_progress)


def _require_startable(compose: Compose, *, is_running: bool) -> None:
    """Raise `StackError` with the services' own line where the image, with these settings, could not start."""
    try:
        compose.run("run", "--rm", "--no-deps", "--no-TTY", CONSOLE, "python", "-m", "services.check")
    except StackError as error:
        lines = error.evidence.splitlines()
        reason = next((line for line in reversed(lines) if line.startswith("cannot start: ")), "it could not start.")
        raise StackError(f"{not_begun(is_running=is_running)}: {reason}", error.evidence) from error


def _must_replace_localstack(
    running: Iterable[Container], outdated: Iterable[Container], before: StackSettings, settings: StackSettings
) -> bool:
    """Whether Compose would replace LocalStack with all messages, or its queues, made at its start, are others."""
    if not any(container.service == LOCALSTACK and container.state == "running" for container in running):
        return False
    return (
        any(container.service == LOCALSTACK for container in outdated)
        or _lacks_queues(before, settings)
        or _were_made_otherwise(settings)
    )


def _were_made_otherwise(settings: StackSettings) -> bool:
    """Whether the queues of the LocalStack that runs were made with other attributes, as far as that is known."""
    made = _made_queues_file(settings)
    return made.exists() and made.read_text() != provisioned_queues(settings)


def _made_queues_file(settings: StackSettings) -> Path:
    """The queues with which LocalStack was started last."""
    return settings.directory / "made-queues.json"


def _lacks_queues(before: StackSettings, settings: StackSettings) -> bool:
    prefix = settings.environment.get("QUEUE_NAME_PREFIX", "")
    wanted = {prefix + queue["name"] for queue in json.loads(provisioned_queues(settings))["queues"]}
    with connect(before) as sqs:
        return not wanted <= sqs.queue_urls().keys()


def _provide_images(compose: Compose, settings: StackSettings, on_progress: OnProgress) -> None:
    require_dockerfile(PROJECT)
    services = compose.config["services"].values()
    published = [service["image"] for service in services if "build" not in service]
    for image in (_base_image(), *published):
        if not image_exists(image):
            on_progress(f"Pulling {image}.")
            pull(image)
    on_progress("Building the services' image: minutes the first time, seconds from then on.")
    if stack_image := _stack_image(settings):
        build(ROOT, "--tag", stack_image, "--label", f"{LABEL}.project={settings.project}")
    compose.run("build", API)  # the one image that all services share


def _base_image() -> str:
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    if not found:
        raise StackError("The Dockerfile names no PYTHON_IMAGE.")
    return found[1]


def _start(compose: Compose, settings: StackSettings, services: list[str], on_progress: OnProgress) -> None:
    """Start the services' containers, which Compose has created, and wait until they are ready.

    The engine starts them: Compose would wait for health checks, which the engine runs for the first time late.
    """
    found = _containers_of(compose, services)
    asleep = [container for container in found if container.state in {"created", "exited"}]
    if asleep:
        on_progress(f"Starting {', '.join(container.instance for container in asleep)}.")
        start(asleep)
    # The engine counts anew from a start on.
    restarts = {container.name: container.restarts for container in found} | {each.name: 0 for each in asleep}
    recovered_by = time.monotonic() + RECOVERY_SECONDS

    def look() -> dict[str, Readiness | Probe]:
        return {
            each.instance: readiness_of(each, settings, restarts.get(each.name, 0), recovered_by)
            for each in _containers_of(compose, services)
        }

    wait_until_all_ready(look, READY_SECONDS, partial(_end_of_log, compose), on_progress)


def _containers_of(compose: Compose, services: list[str]) -> list[Container]:
    """Those of the services, in the services' order."""
    containers = [container for container in compose.containers() if container.service in services]
    return sorted(containers, key=lambda container: services.index(container.service))


def _end_of_log(compose: Compose, instance: str) -> str:
    service = next(container.service for container in compose.containers() if container.instance == instance)
    return as_evidence(container_logs.read(compose, service, last=EVIDENCE_LINES, follow=False))


def _status(container: Container, settings: StackSettings) -> ServiceStatus:
    readiness = known_readiness(container, container.restarts) or probe_of(container, settings)()
    return ServiceStatus(
        name=container.instance,
        state=container.state,
        health="healthy" if readiness == READY else "unhealthy",
        pid=container.pid,
        uptime_seconds=_uptime_seconds(container),
        health_url=health_urls(settings).get(container.service),
        address=container.address,
    )


def _uptime_seconds(container: Container) -> int | None:
    if container.pid is None:
        return None
    # Go prints nanoseconds, of which Python reads six digits.
    started_at = datetime.fromisoformat(container.started_at[:19]).replace(tzinfo=UTC)
    return round((datetime.now(UTC) - started_at).total_seconds())
