"""What can be broken, in a stack of processes and in one of functions."""

from dataclasses import dataclass
from typing import Literal

from tests.chaos.broker_proxy import BrokerFault

SignalName = Literal["SIGKILL", "SIGTERM", "SIGSTOP"]
Misbehaviour = Literal["500", "429", "hang", "close", "drip"]


@dataclass(frozen=True, slots=True)
class Signalled:
    """The signal goes to these services together; SIGSTOP is undone by SIGCONT, others by their supervisor."""

    signal: SignalName
    services: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.signal} {' '.join(self.services)}"


@dataclass(frozen=True, slots=True)
class ReceiverStopped:
    """Nobody listens where the callbacks go."""

    def __str__(self) -> str:
        return "receiver stopped"


@dataclass(frozen=True, slots=True)
class ReceiverMisbehaves:
    """Every callback is answered so."""

    how: Misbehaviour

    def __str__(self) -> str:
        return f"receiver answers: {self.how}"


@dataclass(frozen=True, slots=True)
class SlackRateLimited:
    """Slack answers the next calls with 429."""

    calls: int

    def __str__(self) -> str:
        return f"Slack answers 429 to {self.calls} calls"


@dataclass(frozen=True, slots=True)
class ForeignMessages:
    """One of each kind of message that is none of ours (see foreign_messages.py) is sent to the queue."""

    queue: str

    def __str__(self) -> str:
        return f"foreign messages into {self.queue}"


@dataclass(frozen=True, slots=True)
class FunctionsKilled:
    """SIGKILL goes to every process of these functions together; their next invocations begin new ones."""

    functions: tuple[str, ...]

    def __str__(self) -> str:
        return f"SIGKILL {' '.join(self.functions)}"


@dataclass(frozen=True, slots=True)
class FunctionKilledAtWork:
    """Each process of the function that was at rest gets SIGKILL as soon as it does something."""

    function: str

    def __str__(self) -> str:
        return f"SIGKILL {self.function} at work"


@dataclass(frozen=True, slots=True)
class FunctionKeepsDying:
    """Each process of the function gets SIGKILL as soon as there is one, in its INIT."""

    function: str

    def __str__(self) -> str:
        return f"SIGKILL {self.function} again and again"


@dataclass(frozen=True, slots=True)
class TriggersOff:
    """No queue triggers the function."""

    function: str

    def __str__(self) -> str:
        return f"nothing triggers {self.function}"


@dataclass(frozen=True, slots=True)
class LocalStackPaused:
    """LocalStack holds its connections and answers nothing."""

    def __str__(self) -> str:
        return "SIGSTOP localstack"


SharedFault = ReceiverStopped | ReceiverMisbehaves | SlackRateLimited | ForeignMessages
"""What can befall every stack."""

ProcessFault = Signalled | BrokerFault
FunctionFault = FunctionsKilled | FunctionKilledAtWork | FunctionKeepsDying | TriggersOff | LocalStackPaused
Fault = SharedFault | ProcessFault | FunctionFault
