"""Starts a stack in containers beside any other, through the project's own commands, and looks into its containers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from stack.config import ROOT
from stack.ports import free_port
from tests.end_to_end.client import Client, wait_for


class ContainerStack:
    """A stack with ports, a directory and a Compose project of its own."""

    def __init__(self, directory: Path) -> None:
        api_port, receiver_port, localstack_port, console_port = (free_port() for _ in range(4))
        self.directory = directory
        self.project = f"async-tasks-containers-{api_port}"
        self.api_url = f"http://localhost:{api_port}"
        self.receiver_url = f"http://localhost:{receiver_port}"
        self.environment = {
            **os.environ,
            "MODE": "containers",
            "STACK_DIR": str(directory),
            "COMPOSE_PROJECT_NAME": self.project,
            "API_PORT": str(api_port),
            "RECEIVER_PORT": str(receiver_port),
            "LOCALSTACK_PORT": str(localstack_port),
            "CONSOLE_PORT": str(console_port),
            # Short, so that what a killed worker had in flight is soon seen again.
            "SQS_WAIT_TIME_SECONDS": "1",
            "VISIBILITY_TIMEOUT_SECONDS": "4",
            "HEARTBEAT_SECONDS": "1",
        }

    def up(self, **settings: str) -> None:
        """Run `up`, which must succeed."""
        done = self.try_up(**settings)
        assert done.returncode == 0, done.stdout + done.stderr

    def try_up(self, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `up` with these settings in its shell."""
        return self._run(sys.executable, "-m", "stack", "up", **settings)

    def ps(self) -> Any:
        """What `ps` shows programs."""
        return json.loads(self._output(sys.executable, "-m", "stack", "ps", "--json"))

    def down(self) -> None:
        """Run `down`, which must succeed."""
        self._output(sys.executable, "-m", "stack", "down")

    def remove(self) -> None:
        """Stop it and remove the receiver's data and the image."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "10")
        self._run("docker", "image", "rm", f"{self.project}-services")

    def compose(self, *arguments: str) -> str:
        """Plain Docker Compose on this stack."""
        return self._output("docker", "compose", *arguments)

    def containers(self) -> dict[str, Any]:
        """What the engine says of each container, by the container's name within the project."""
        ids = self.compose("ps", "--all", "--quiet").split()
        return {
            container["Name"].removeprefix(f"/{self.project}-"): container
            for container in json.loads(self._output("docker", "inspect", *ids))
        }

    def images(self) -> list[str]:
        """The ids of all images that were built for it, with a name or without."""
        own = f"label=com.docker.compose.project={self.project}"
        return self._output("docker", "image", "ls", "--quiet", "--no-trunc", "--filter", own).split()

    def pause(self, service: str) -> None:
        """Freeze a service."""
        self._output("docker", "pause", f"{self.project}-{service}-1")

    @contextmanager
    def counted(self, directory: Path) -> Iterator[list[str]]:
        """Note every call of `docker` that the commands in the block make; the list is filled at the block's end."""
        calls = directory / "calls"
        wrapper = directory / "docker"
        wrapper.write_text(f'#!/bin/sh\necho "$*" >> {calls}\nexec {shutil.which("docker")} "$@"\n')
        wrapper.chmod(0o755)
        noted: list[str] = []
        before = self.environment["PATH"]
        self.environment["PATH"] = f"{directory}:{before}"
        try:
            yield noted
        finally:
            self.environment["PATH"] = before
            noted += calls.read_text().splitlines()

    def started_at(self) -> dict[str, str]:
        """When each of the containers that run has begun."""
        return {
            container["Id"]: container["State"]["StartedAt"]
            for container in self.containers().values()
            if container["State"]["Running"]
        }

    def python(self, service: str, code: str) -> str:
        """What a Python program prints that runs in the service's container."""
        return self.compose("exec", "--no-TTY", service, "python", "-c", code).strip()

    def dlq(self, *arguments: str) -> str:
        """What `dlq` prints on this machine."""
        return self.stack("dlq", *arguments)

    def trace(self, task_id: str) -> Any:
        """What `trace` shows programs."""
        return json.loads(self.stack("trace", task_id, "--json"))

    def stack(self, *arguments: str) -> str:
        """What a command of the stack prints, which must succeed."""
        return self._output(sys.executable, "-m", "stack", *arguments)

    def client(self) -> Client:
        """A client of the API and the receiver."""
        return Client(self.api_url, self.receiver_url, "http://receiver:9000")

    def wait_until_healthy(self) -> None:
        """Wait until the engine's own health checks succeed for every container."""

        def all_healthy() -> bool:
            return all(each["State"]["Health"]["Status"] == "healthy" for each in self.containers().values())

        wait_for(all_healthy, "every container to be healthy")

    def _output(self, *command: str) -> str:
        done = self._run(*command)
        assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _run(self, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, **settings}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


def is_ready(url: str) -> bool:
    """Whether the URL answers 200."""
    try:
        return httpx.get(url, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
