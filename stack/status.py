"""The services by their names, and what is known of one that runs, the same for both modes."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

LOCALSTACK = "localstack"
RECEIVER = "receiver"
API = "api"
DLQ_WATCHER = "dlq-watcher"
CONSOLE = "console"

Health = Literal["healthy", "unhealthy", "none"]


@dataclass(frozen=True)
class ServiceStatus:
    """One line of `ps`."""

    name: str
    state: str
    """As the process manager or the container engine calls it, in small letters: running, exited, …"""
    health: Health = "none"
    pid: int | None = None
    """Of the process on this machine; None where it does not run or cannot be seen from here."""
    uptime_seconds: int | None = None
    health_url: str | None = None
    """None where it is not reachable from this machine."""
    address: str | None = None
    """Of its container, by which the console asks it; None natively, where all have this machine's."""

    def as_json(self) -> dict[str, Any]:
        """For `ps --json`."""
        return asdict(self)
