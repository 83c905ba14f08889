"""Runs a broker for the probes, as a native stack runs it: on a port of its own, with files of its own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config

from stack.broker.api import broker_readiness
from stack.brokers import FAUXQS, Broker
from stack.config import ROOT, StackSettings
from stack.environment import merged_environment
from stack.errors import StackError
from stack.native.broker_processes import fauxqs_packages, process_of
from stack.native.program import Program
from stack.ports import free_port
from stack.readiness import READY_SECONDS, Readiness, wait_for_verdict
from tests.brokers.queue import Queue

NO_QUEUES = '{"queues": []}'
"""The probes make their own."""

CONNECTIONS = 64
"""At least as many as there are rows: none waits for another."""

_numbers = count()


@dataclass
class Subject:
    """A broker that runs, as the probes see it."""

    settings: StackSettings
    program: Program
    sqs: Any
    """A client of boto3."""
    process: subprocess.Popen[bytes] | None = None

    def new_queue(self, **attributes: str) -> Queue:
        """Make a queue that no other probe has."""
        url = self.sqs.create_queue(QueueName=f"probe-{next(_numbers)}", Attributes=attributes)["QueueUrl"]
        return Queue(self.sqs, url)

    def start(self) -> None:
        """Start it and wait until it answers. Raises `StackError`, with its log, where it does not."""
        log = self.settings.directory / "broker.log"
        with log.open("ab") as stream:
            self.process = subprocess.Popen(  # noqa: S603
                self.program.command,
                cwd=ROOT,
                env={**self.settings.environment, **self.program.environment},
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        readiness = wait_for_verdict(self._readiness, READY_SECONDS)
        if readiness.verdict != "ready":
            title = self.settings.broker.title
            raise StackError(f"{title} does not start: {readiness.reason}", log.read_text(errors="replace"))

    def _readiness(self) -> Readiness:
        if self.process and self.process.poll() is not None:
            return Readiness("failed", f"it has exited with {self.process.returncode}")
        return broker_readiness(self.settings)

    def kill(self) -> None:
        """End it by SIGKILL, and what it has started: it has no time to save anything."""
        if self.process:
            # Its group outlives it, where something in it does.
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextmanager
def running(broker: Broker, directory: Path) -> Iterator[Subject]:
    """Run the locked broker with its files in this directory, installed where it is not yet."""
    settings = settings_of(broker, directory)
    how = process_of(broker)
    how.install(settings)
    how.prepare(settings, NO_QUEUES)
    with running_program(settings, how.program(settings)) as subject:
        yield subject


@contextmanager
def as_published(subject: Subject) -> Iterator[Subject]:
    """Run fauxqs without what the stack puts right in it; the others run as they are published."""
    if subject.settings.broker != FAUXQS:
        yield subject
        return
    settings = settings_of(FAUXQS, subject.settings.directory / f"published-{next(_numbers)}")
    with running_program(settings, published_fauxqs(settings)) as published:
        yield published


def published_fauxqs(settings: StackSettings) -> Program:
    """Return fauxqs's own server, which keeps its messages in SQLite."""
    node, packages = fauxqs_packages()
    return Program(
        name=FAUXQS.name,
        command=[str(node), str(packages / "fauxqs" / "dist" / "server.js")],
        health_url=settings.localstack_url,
        environment={
            "FAUXQS_PORT": str(settings.localstack_port),
            "FAUXQS_DATA_DIR": str(settings.directory / "data"),
            "FAUXQS_PERSISTENCE": "true",
        },
    )


def settings_of(broker: Broker, directory: Path) -> StackSettings:
    """Return those of a stack that has nothing but this broker."""
    environment = {**merged_environment(), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    settings = StackSettings("native", directory=directory, broker=broker, environment=environment)
    return replace(settings, localstack_port=free_port())


@contextmanager
def running_program(settings: StackSettings, program: Program) -> Iterator[Subject]:
    """Run a broker's program until the block ends."""
    settings.directory.mkdir(parents=True, exist_ok=True)
    with closing(client_of(settings)) as sqs:
        subject = Subject(settings, program, sqs)
        try:
            subject.start()
            yield subject
        finally:
            subject.kill()


def client_of(settings: StackSettings) -> Any:
    """Return a client that tells each error at once, past every proxy."""
    return boto3.client(
        "sqs",
        endpoint_url=settings.localstack_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  # no broker checks it
        config=Config(proxies={}, retries={"total_max_attempts": 1}, max_pool_connections=CONNECTIONS),
    )
