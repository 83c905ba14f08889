"""Which targets the requests made for users may have: public addresses, and what `ALLOWED_PRIVATE_TARGETS` lists."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_interface, ip_network
from typing import Annotated

import httpx2
from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.outbound.target_url import (
    MAX_URL_LENGTH,
    PORTS,
    URL_PATTERN,
    Target,
    UrlError,
    parse_url,
    read_host,
    target_of,
)
from services.primitives.addresses import IPAddress, is_public

IPNetwork = IPv4Network | IPv6Network


# Many tasks lead to few hosts and addresses.
_REMEMBERED = 1024

_LOOPBACK = ("127.0.0.1", "::1")

# The name of a host without a port. One whose last label is a number would be read as an IPv4 address
# (https://url.spec.whatwg.org/#host-parsing).
_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME_OF_HOST = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)*(?!(?:[0-9]+|0x[0-9a-f]*)$){_LABEL}")
_HOST_AND_PORT = re.compile(r"(?:\[(?P<ipv6>[^]/]+)\]|(?P<host>[^:/]+))(?::(?P<port>[0-9]{1,5}))?")


class ForbiddenTargetError(httpx2.TransportError):
    """A request may not go where it leads; no connection was opened."""

    def __init__(self, host: str, port: int) -> None:
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__(f"{target} is not public, and ALLOWED_PRIVATE_TARGETS does not list it")


@dataclass(frozen=True, slots=True)
class AllowedTarget:
    """An entry of `ALLOWED_PRIVATE_TARGETS`: a host name or a network, on one port or on all."""

    host: str | IPNetwork
    port: int | None = None

    def __str__(self) -> str:
        """Return the entry that is read as this."""
        if self.port is None:
            return str(self.host)
        host = self.host if isinstance(self.host, str) else self.host.network_address
        return f"[{host}]:{self.port}" if isinstance(host, IPv6Address) else f"{host}:{self.port}"

    @classmethod
    def parse(cls, entry: str) -> "AllowedTarget":
        """Read an entry: a host, an address, either with a port, or a network. Raises ValueError for anything else."""
        try:
            ip_interface(entry)
        except ValueError:
            return cls._parse_with_port(entry)
        return cls(ip_network(entry))

    @classmethod
    def _parse_with_port(cls, entry: str) -> "AllowedTarget":
        parts = _HOST_AND_PORT.fullmatch(entry)
        host = _listed_host(parts) if parts else None
        port = int(parts["port"]) if parts and parts["port"] else None
        if host is None or (port is not None and port not in PORTS):
            raise ValueError(
                f"{entry!r} is no target: write host, host:port, 10.0.0.5, 10.0.0.5:9000, fd00::5, [fd00::5]:9000"
                " or 10.0.0.0/8"
            )
        return cls(host, port)


def _listed_host(parts: re.Match[str]) -> str | IPNetwork | None:
    address = _read_address(parts["ipv6"] or parts["host"])
    if address:
        return ip_network(address)
    try:
        name = read_host(parts["host"] or "")
    except UrlError:
        return None
    return name if _NAME_OF_HOST.fullmatch(name) else None


@lru_cache(_REMEMBERED)
def _read_address(text: str) -> IPAddress | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


class TargetPolicy:
    """Decides whether a request made for a user may go where it leads."""

    def __init__(self, allowed: Iterable[AllowedTarget] = ()) -> None:
        allowed = list(allowed)
        self._hosts = {(each.host, each.port) for each in allowed if isinstance(each.host, str)}
        self._networks = [(each.host, each.port) for each in allowed if not isinstance(each.host, str)]

    def lists_host(self, host: str, port: int) -> bool:
        """Return whether this very name is listed: then it may lead to any address."""
        return (host, port) in self._hosts or (host, None) in self._hosts

    def permits(self, address: str, port: int) -> bool:
        """Return whether a connection to the address may be opened."""
        parsed = _read_address(address)
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        return parsed is not None and (is_public(parsed) or self._lists_address(parsed, port))

    def _lists_address(self, address: IPAddress, port: int) -> bool:
        return any(address in network and listed in {None, port} for network, listed in self._networks)

    def check_host(self, host: str, port: int) -> None:
        """Raise ForbiddenTargetError where the host itself shows that no connection may be opened.

        That is so for an address, and for the names that mean this machine (RFC 6761, section 6.3). Where any other
        name leads shows when it is resolved.
        """
        if self._shows_forbidden(host, port):
            raise ForbiddenTargetError(host, port)

    @lru_cache(_REMEMBERED)  # noqa: B019  # a program has one policy, for as long as it runs
    def _shows_forbidden(self, host: str, port: int) -> bool:
        if self.lists_host(host, port):
            return False
        if host.rstrip(".").rpartition(".")[2] == "localhost":
            addresses: tuple[str, ...] = _LOOPBACK
        elif _read_address(host):
            addresses = (host,)
        else:
            return False
        return not any(self.permits(address, port) for address in addresses)


def what_can_be_called(policy: TargetPolicy, example_receiver_url: str) -> str:
    """Return what to add to a refusal: the example receiver, where it is listed.

    So whoever gives `localhost` to workers in containers reads by which name these reach it. What else is listed is
    nobody's business who submits a task; the example receiver stands in the documentation.
    """
    receiver = target_of(example_receiver_url)
    if not policy.lists_host(receiver.host, receiver.port):
        return ""
    return f" (it lists the receiver of this stack: {example_receiver_url})"


@dataclass(frozen=True, slots=True)
class TargetRules:
    """Pydantic's validation context of a request that may be accepted: where its URLs may lead.

    Without a context, a URL is checked by what it says alone.
    """

    policy: TargetPolicy
    hint: str = ""
    """What to add to a refusal."""

    def check(self, target: Target) -> None:
        """Raise pydantic's error where the target shows that it is forbidden."""
        try:
            self.policy.check_host(target.host, target.port)
        except ForbiddenTargetError as error:
            raise PydanticCustomError("forbidden_target", f"{error}{self.hint}") from error


ACCEPTED = {"accepted": True}
"""Pydantic's validation context of a task that was accepted. It may be by an earlier release, or with other settings:
what a request may not have, it may; the request that is made is refused where it must be."""


def was_accepted(info: ValidationInfo) -> bool:
    """Return whether a model reads a task that was accepted, rather than a request that may be."""
    return info.context is ACCEPTED


def _check_url(text: str, info: ValidationInfo) -> str:
    if was_accepted(info):
        return text
    try:
        target = parse_url(text)
    except UrlError as error:
        raise PydanticCustomError("url", str(error)) from error
    if isinstance(info.context, TargetRules):
        info.context.check(target)
    return text


TargetUrl = Annotated[
    str,
    Field(max_length=MAX_URL_LENGTH),
    AfterValidator(_check_url),
    WithJsonSchema(
        {
            "type": "string",
            "format": "uri",
            "pattern": URL_PATTERN,
            "maxLength": MAX_URL_LENGTH,
            "description": f"A URL of at most {MAX_URL_LENGTH} characters. Path and query are sent byte for byte"
            " as they are given, so they have visible ASCII characters alone. User and password, percent-encoded, are"
            " sent as Basic authentication; a fragment is not sent.",
        }
    ),
]
"""The URL of a request made for a user, byte for byte as it was given. It is refused where it cannot be sent as it is
(see target_url.py), and where it shows that it leads to a forbidden target."""
