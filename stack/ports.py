"""Whether the stack's ports are free, asked before anything starts."""

import random
import socket
from collections.abc import Collection
from itertools import cycle, islice

from stack.config import LARGEST_PORT, StackSettings
from stack.errors import StackError

# A connection is given a port of 32768 and above on Linux, of 49152 and above elsewhere (RFC 6335, 6).
_BELOW_EPHEMERAL = range(20_000, 30_000)

# Programs that look for ports at the same time begin at places of their own.
_candidates = islice(cycle(_BELOW_EPHEMERAL), random.randrange(len(_BELOW_EPHEMERAL)), None)  # noqa: S311  # no secret


class PortTakenError(StackError):
    """One of the stack's ports is another program's."""

    def __init__(self, port: int, remedy: str, holder: str = "another program") -> None:
        super().__init__(f"Port {port} is in use by {holder}: {remedy}.")
        self.port = port
        self.remedy = remedy


def require_free_ports(settings: StackSettings, held: Collection[int] = ()) -> None:
    """Raise `PortTakenError` for the first of the stack's ports that another program listens on.

    The stack that is about to be replaced has those of `held`.
    """
    own = set(settings.ports.values())
    for name, port in settings.ports.items():
        if port not in held and not is_free(port):
            raise PortTakenError(port, _another(name, port, own))


def _another(name: str, port: int, own: set[int]) -> str:
    """Which port to take instead: the next one that is free, and none of the stack's own."""
    for other in range(port + 1, LARGEST_PORT + 1):
        if other not in own and is_free(other):
            return f"`{name}={other} make up` takes one that is free"
    return f"name one that is free with `{name}=… make up`"


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of this machine. Both loopback addresses count: `localhost` may be either."""
    return _can_listen(socket.AF_INET, "127.0.0.1", port) and (
        not _can_listen(socket.AF_INET6, "::1", 0) or _can_listen(socket.AF_INET6, "::1", port)
    )


def free_port() -> int:
    """A port that nobody listens on, another one at each call. Raises `StackError` where there is none.

    What is to listen on it may start seconds later: until then no connection of another program is given it, nor does
    another stack choose it while this process lives.
    """
    for port in islice(_candidates, len(_BELOW_EPHEMERAL)):
        if is_free(port) and _claim(port):
            return port
    raise StackError(f"No port of {_BELOW_EPHEMERAL[0]} to {_BELOW_EPHEMERAL[-1]} is free.")


def _claim(port: int) -> bool:
    """Whether the port is this process's from now on, until it ends.

    A socket for datagrams holds its number, and is in nobody's way who listens there for connections.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as claim:
        try:
            claim.bind(("127.0.0.1", port))
        except OSError:
            return False
        claim.detach()  # the system closes it when the process ends
    return True


def _can_listen(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port), family=family):
            return True
    except OSError:
        return False
