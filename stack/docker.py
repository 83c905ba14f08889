"""The container engine and Docker Compose, as the stack's commands use them."""

import json
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from stack.config import ROOT
from stack.errors import StackError

EVIDENCE_LINES = 20


@dataclass(frozen=True)
class Container:
    """A container of the stack as the engine sees it."""

    name: str
    service: str
    number: int
    """1, 2, … of the service's copies."""
    state: str
    """created, running, restarting, exited, …"""
    health: str
    """healthy, unhealthy, starting, or none."""
    exit_code: int
    pid: int | None
    """Of its init process on the engine's machine; None where it does not run."""
    started_at: str
    """ISO 8601, UTC."""
    configuration: str
    """Compose's hash of it: Compose replaces the container when it differs."""
    health_check: tuple[str, ...]
    """The command that succeeds while the container does its work."""
    image: str = ""
    """The id of the image that it was made from."""


def image_exists(image: str) -> bool:
    """Whether the engine has the image, with no registry asked."""
    return bool(image_id(image))


def image_id(image: str) -> str:
    """What the engine knows the image by; empty where it does not have it."""
    command = ["docker", "image", "inspect", "--format", "{{.Id}}", image]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


def remove_image(image: str) -> None:
    """Remove the image, where there is one and no container is of it."""
    subprocess.run(["docker", "image", "rm", image], capture_output=True, check=False)  # noqa: S603, S607


def succeeds_in(container: Container, command: tuple[str, ...]) -> bool:
    """Whether a command that runs in the container exits with 0."""
    return _succeeds(["docker", "exec", container.name, *command])


def start(containers: Iterable[Container]) -> None:
    """Start the containers, all at once: one command would start one after the other. Raises `StackError`."""
    with ThreadPoolExecutor() as threads:
        list(threads.map(_start, containers))


def _start(container: Container) -> None:
    command = ["docker", "start", container.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise StackError(f"The engine cannot start {container.name}.", done.stderr)


def stop(containers: Iterable[Container]) -> None:
    """Stop the containers together, each within its own grace period."""
    if names := [container.name for container in containers]:
        subprocess.run(["docker", "stop", *names], stdout=subprocess.DEVNULL, check=False)  # noqa: S603, S607


def remove(containers: Iterable[Container]) -> None:
    """End the containers at once, paused ones too, and remove them. Raises `StackError` where one stays."""
    if names := [container.name for container in containers]:
        command = ["docker", "rm", "--force", *names]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise StackError(f"The engine cannot remove {', '.join(names)}.", done.stderr)


class Compose:
    """Docker Compose on the project's files, or those that COMPOSE_FILE names."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def run(self, *arguments: str) -> str:
        """Return what the command prints. Raises `StackError`, with its last lines as evidence, where it fails."""
        command = ["docker", "compose", *arguments]
        done = subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StackError(f"`{shlex.join(command)}` failed.", _last_lines(done.stdout + done.stderr))
        return done.stdout

    @contextmanager
    def output(self, *arguments: str) -> Iterator[IO[bytes]]:
        """Give what the command prints, as it prints it; the command ends with the context."""
        command = ["docker", "compose", *arguments]
        with subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None  # noqa: S101  # it is a pipe
            try:
                yield process.stdout
            finally:
                process.terminate()

    def config(self) -> dict[str, Any]:
        """All files merged, with every variable replaced."""
        return dict(json.loads(self.run("config", "--format", "json")))

    def services(self) -> list[str]:
        """The services' names."""
        return sorted(self.run("config", "--services").split())

    def configurations(self) -> dict[str, str]:
        """Compose's hash of what a container would be made with now, by service."""
        return dict(line.split() for line in self.run("config", "--hash", "*").splitlines())

    def containers(self) -> list[Container]:
        """Every container of the stack, running or not, by name."""
        ids = self.run("ps", "--all", "--quiet").split()
        if not ids:
            return []
        inspected = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=False)  # noqa: S603, S607
        # One that is gone since is missing from the answer.
        return sorted(map(_container, json.loads(inspected.stdout)), key=lambda container: container.name)


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
    _kind, *health_check = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    return Container(
        name=inspected["Name"].removeprefix("/"),
        service=config["Labels"]["com.docker.compose.service"],
        number=int(config["Labels"]["com.docker.compose.container-number"]),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", "none"),
        exit_code=state["ExitCode"],
        pid=state["Pid"] or None,
        started_at=state["StartedAt"],
        configuration=config["Labels"]["com.docker.compose.config-hash"],
        health_check=tuple(health_check),
        image=inspected["Image"],
    )


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603


def _last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-EVIDENCE_LINES:])
