"""The container engine and Docker Compose, as the stack's commands use them."""

import json
import re
import shlex
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

from stack.config import PROJECT, ROOT
from stack.errors import StackError

EVIDENCE_LINES = 20

COMPOSE = ("docker", "compose", *(() if PROJECT == ROOT else ("--project-directory", str(PROJECT))))
"""What is beside a project's own files is found from its folder, wherever docker-compose.yml is."""

LABEL = "com.docker.compose"
"""What Compose's labels begin with, see https://docs.docker.com/reference/compose-file/services/#labels."""


@dataclass(frozen=True)
class Container:
    """A container of the stack as the engine sees it."""

    name: str
    service: str
    number: int
    """1, 2, … of the service's copies."""
    address: str | None
    """By which the other containers reach it; None where it does not run."""
    state: str
    """created, running, paused, restarting, exited, …"""
    restarts: int
    """How often the engine has started it again, since somebody started it."""
    health: str
    """healthy, unhealthy, starting, or none."""
    exit_code: int
    pid: int | None
    """Of its init process on the engine's machine; None where it does not run."""
    started_at: str
    """ISO 8601, UTC."""
    health_check: tuple[str, ...]
    """The command that succeeds while the container does its work."""

    @property
    def instance(self) -> str:
        """What `ps` and `logs` call it: its service, with the number of all copies but the first."""
        return self.service if self.number == 1 else f"{self.service}-{self.number}"


# So long the engine may hold an image for a container, or a build, that has ended.
_HELD_SECONDS = 10
_LOOK_AGAIN_SECONDS = 0.5


def image_exists(image: str) -> bool:
    """Whether the engine has the image, with no registry asked."""
    return _succeeds(["docker", "image", "inspect", image])


def remove_image(image: str) -> None:
    """Remove the image, where there is one. Raises `StackError` with the engine's words where it stays."""
    deadline = time.monotonic() + _HELD_SECONDS
    while image_exists(image):
        done = subprocess.run(["docker", "image", "rm", image], capture_output=True, text=True, check=False)  # noqa: S603, S607
        if done.returncode == 0:
            return
        if time.monotonic() > deadline:
            raise StackError(f"The engine cannot remove the image {image}.", _last_lines(done.stderr))
        time.sleep(_LOOK_AGAIN_SECONDS)


def succeeds_in(container: Container, command: tuple[str, ...]) -> bool:
    """Whether a command that runs in the container exits with 0."""
    return _succeeds(["docker", "exec", container.name, *command])


def start(containers: Iterable[Container]) -> None:
    """Start the containers, all at once: one command would start one after the other. Raises `StackError`."""
    with ThreadPoolExecutor() as threads:
        list(threads.map(_start_one, containers))


def _start_one(container: Container) -> None:
    command = ["docker", "start", container.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise StackError(f"The engine cannot start {container.name}.", done.stderr)


def resume(containers: Iterable[Container]) -> None:
    """Let the paused containers go on. Raises `StackError` where the engine cannot."""
    if names := [container.name for container in containers]:
        _output("docker", "unpause", *names)


def stop(containers: Iterable[Container]) -> None:
    """Stop the containers together, each within its own grace period."""
    if names := [container.name for container in containers]:
        # In a process group of its own: Ctrl-C reaches this program alone, which decides.
        subprocess.run(["docker", "stop", *names], stdout=subprocess.DEVNULL, check=False, process_group=0)  # noqa: S603, S607


def remove(containers: Iterable[Container]) -> None:
    """End the containers at once, paused ones too, and remove them. Raises `StackError` where one stays."""
    if names := [container.name for container in containers]:
        command = ["docker", "rm", "--force", *names]
        done = subprocess.run(command, capture_output=True, text=True, check=False, process_group=0)  # noqa: S603
        if done.returncode:
            raise StackError(f"The engine cannot remove {', '.join(names)}.", done.stderr)


class Compose:
    """Docker Compose on the project's files, or those that COMPOSE_FILE names."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def run(self, *arguments: str, process_group: int | None = None) -> str:
        """Return what the command prints. Raises `StackError`, with its last lines as evidence, where it fails.

        In a process group of its own (0) it hears of Ctrl-C by nobody.
        """
        return _output(*COMPOSE, *arguments, environment=self._environment, process_group=process_group)

    @contextmanager
    def output(self, *arguments: str) -> Iterator[IO[bytes]]:
        """Give what the command prints, as it prints it; the command ends with the context."""
        command = [*COMPOSE, *arguments]
        with subprocess.Popen(  # noqa: S603
            command, cwd=PROJECT, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None  # noqa: S101  # it is a pipe
            try:
                yield process.stdout
            finally:
                process.terminate()

    @cached_property
    def config(self) -> dict[str, Any]:
        """All files merged, with every variable replaced."""
        return dict(json.loads(self.run("config", "--format", "json")))

    @property
    def project(self) -> str:
        """The project's name, which its containers and images have as a label."""
        return self._environment.get("COMPOSE_PROJECT_NAME") or str(self.config["name"])

    def services(self) -> list[str]:
        """The services' names."""
        return sorted(self.config["services"])

    def outdated(self) -> list[Container]:
        """The containers that Compose would replace now, by their settings or by their image, as it says itself.

        The hash of `docker compose config --hash` is not that of the container where there is an `env_file`.
        """
        planned = _run(*COMPOSE, "create", "--no-build", "--dry-run", environment=self._environment)
        replaced = set(re.findall(r"Container (\S+) +Recreate$", planned.stderr, re.MULTILINE))
        return [container for container in self.containers() if container.name in replaced] if replaced else []

    def containers(self) -> list[Container]:
        """Every container of the stack, running or not, by name. Raises `StackError` where the engine does not answer.

        The engine knows them by Compose's labels, and answers in a fraction of the time that Compose takes.
        """
        labels = (f"{LABEL}.project={self.project}", f"{LABEL}.oneoff=False")
        filters = [argument for label in labels for argument in ("--filter", f"label={label}")]
        ids = _output("docker", "ps", "--all", "--quiet", *filters).split()
        if not ids:
            return []
        inspected = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=False)  # noqa: S603, S607
        # One that is gone since is missing from the answer.
        return sorted(map(_container, json.loads(inspected.stdout)), key=lambda container: container.name)

    def remove_replaced_images(self) -> None:
        """Remove the images of the project that a newer build has taken the name of, and no container has any more."""
        _succeeds(["docker", "image", "prune", "--force", "--filter", f"label={LABEL}.project={self.project}"])


def pull(image: str) -> None:
    """Fetch an image from its registry. Raises `StackError` where that fails."""
    done = subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        *_, reason = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise StackError(
            f"Cannot pull {image}: where no container registry is reachable run `make base-images`, which makes all "
            "but those of OBSERVABILITY=1: leave that out there. Or `make up MODE=native`.",
            reason,
        )


def _container(inspected: dict[str, Any]) -> Container:
    state, config = inspected["State"], inspected["Config"]
    return Container(
        name=inspected["Name"].removeprefix("/"),
        service=config["Labels"][f"{LABEL}.service"],
        number=int(config["Labels"][f"{LABEL}.container-number"]),
        address=_address(inspected["NetworkSettings"]["Networks"]),
        state=state["Status"],
        restarts=inspected["RestartCount"],
        health=(state.get("Health") or {}).get("Status", "none"),
        exit_code=state["ExitCode"],
        pid=state["Pid"] or None,
        started_at=state["StartedAt"],
        health_check=_health_check((config.get("Healthcheck") or {}).get("Test") or ["NONE"]),
    )


def _address(networks: dict[str, Any]) -> str | None:
    return next((network["IPAddress"] for network in networks.values() if network["IPAddress"]), None)


def _health_check(test: list[str]) -> tuple[str, ...]:
    """The command of a container's `Healthcheck.Test` (Docker Engine API, HealthConfig)."""
    kind, *command = test
    return ("/bin/sh", "-c", *command) if kind == "CMD-SHELL" else tuple(command)


def _output(*command: str, environment: Mapping[str, str] | None = None, process_group: int | None = None) -> str:
    """What a command prints. Raises `StackError`, with its last lines as evidence, where it fails or is not there."""
    return _run(*command, environment=environment, process_group=process_group).stdout


def _run(
    *command: str, environment: Mapping[str, str] | None, process_group: int | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            process_group=process_group,
        )
    except OSError as error:
        raise StackError(f"`{shlex.join(command)}` failed.", str(error)) from error
    if done.returncode:
        raise StackError(f"`{shlex.join(command)}` failed.", _last_lines(done.stdout + done.stderr))
    return done


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603


def _last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-EVIDENCE_LINES:])
