"""The brokers on which a stack can run on this machine, and in what they differ for its commands.

Each speaks SQS: what the services do is the same on all of them. docs/brokers.md has how they behave.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from stack.errors import StackError

Name = Literal["localstack", "moto", "ministack", "fauxqs"]


@dataclass(frozen=True)
class Broker:
    """One that a stack can be started with."""

    name: Name
    """That of its process, and of its virtual environment and its lock (requirements/)."""
    title: str
    """As its authors write it."""
    shows_messages: bool = False
    """Whether it shows all messages of a queue, hidden and delayed ones too, and none is received by that."""
    keeps_messages: bool = False
    """Whether it has its queues again when it starts, with all that was in them."""


LOCALSTACK = Broker("localstack", "LocalStack", shows_messages=True)
MOTO = Broker("moto", "moto")
MINISTACK = Broker("ministack", "MiniStack")
FAUXQS = Broker("fauxqs", "fauxqs", keeps_messages=True)

BROKERS: Mapping[str, Broker] = {broker.name: broker for broker in (LOCALSTACK, MOTO, MINISTACK, FAUXQS)}


def broker_of(environment: Mapping[str, str]) -> Broker:
    """Return the broker that `BROKER` asks for, LocalStack where it asks for none.

    Raises `StackError` for any other word.
    """
    wanted = environment.get("BROKER") or LOCALSTACK.name
    if wanted in BROKERS:
        return BROKERS[wanted]
    raise StackError(f"BROKER={wanted} is not a broker: use {', '.join(BROKERS)}, or leave it out for LocalStack.")
