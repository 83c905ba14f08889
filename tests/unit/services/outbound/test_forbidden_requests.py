"""The HTTP client opens no connection to a forbidden target: seen by who listens there, and by what is dialled."""

import asyncio
import socket
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx2
import pytest
import structlog
from pydantic import HttpUrl, TypeAdapter

from services.delivery.answers import Delivered
from services.delivery.callback_client import CallbackClient
from services.delivery.settings import DeliverySettings
from services.messages import OutcomeMessage
from services.outbound.http_client import HTTP_ERRORS, open_http_client, open_target_sessions
from services.outbound.targets import ForbiddenTargetError
from services.runtime.resources import open_resources
from services.worker.settings import WorkerSettings
from tests.service_fixtures import policy_of

PUBLIC = "8.8.8.8"
URL: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)

# Each leads to this machine.
LOOPBACK = [
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
    "0", "127.0.0.2", "%31%32%37.0.0.1", "\u2460\u2461\u2466.0.0.1", "127\u30020\u30020\u30021",
    "\uff11\uff12\uff17.0.0.1", "localhost", "LOCALHOST", "localhost.", "\u24dbocalhost", "a.localhost",
    "user:password@127.0.0.1", "8.8.8.8@127.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
]  # fmt: skip
# Each leads into a network, or to this machine where the network has a gateway for it.
ELSEWHERE = [
    "169.254.169.254", "10.0.0.5", "100.100.100.200", "192.168.0.1", "224.0.0.1", "255.255.255.255", "168.63.129.16",
    "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fd00:ec2::254]", "[ff02::1]",
    "[2001:db8::1]",
]  # fmt: skip


class Network:
    """Stands in for DNS and the way to public addresses, which leads to this machine; notes what is dialled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, list[list[str]]] = {}
        """The addresses that each lookup of a name answers; the last one repeats."""
        self.dialled: list[str] = []
        self._lookup = socket.getaddrinfo
        self._connect = BaseSelectorEventLoop.sock_connect
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)
        network = self

        async def sock_connect(loop: BaseSelectorEventLoop, sock: socket.socket, address: Any) -> None:
            network.dialled.append(address[0])
            way = ("127.0.0.1", *address[1:]) if address[0] == PUBLIC else address
            await network._connect(loop, sock, way)

        monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", sock_connect)

    def _resolve(self, host: str, port: int, family: int, kind: int, protocol: int, _flags: int) -> Any:
        if host.rstrip(".").endswith("localhost"):
            addresses = ["127.0.0.1"]
        elif host in self.names:
            answers = self.names[host]
            addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        else:
            # A number, in any of the spellings that the machine's own resolver reads.
            addresses = [host]
        return [
            found
            for address in addresses
            for found in self._lookup(address, port, family, kind, protocol, socket.AI_NUMERICHOST)
        ]


class Listener:
    """Listens on all addresses of this machine and counts who connects."""

    def __init__(self) -> None:
        self.connections = 0
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(self.answer)
        writer.close()


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    # IPv4 comes to it as mapped IPv6.
    sock = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    listener.port = sock.getsockname()[1]
    server = await asyncio.start_server(listener.serve, sock=sock)
    yield listener
    server.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async with listening() as listener:
        yield listener


@asynccontextmanager
async def client_of(*allowed: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        open_target_sessions(policy=policy_of(*allowed)) as sessions,
        open_http_client(sessions, connect_timeout_seconds=5) as client,
    ):
        yield client


def normalized(host: str, port: int) -> str:
    """The URL as earlier releases passed it on."""
    return str(URL.validate_python(f"http://{host}:{port}/"))


@pytest.mark.parametrize(("entry", "status"), [("127.0.0.1", 200), ("127.0.0.2", None)])
async def test_a_program_makes_its_requests_by_what_the_setting_lists(
    entry: str, status: int | None, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOWED_PRIVATE_TARGETS", entry)
    settings = WorkerSettings(aws_endpoint_url=HttpUrl("http://127.0.0.1:1"))
    answered: int | None = None
    async with open_resources(settings, {}) as resources:
        with suppress(ForbiddenTargetError):
            answered = (await resources.http.get(f"http://127.0.0.1:{listener.port}/")).status_code

    assert answered == status
    assert listener.connections == (1 if status else 0)


@pytest.mark.parametrize("host", LOOPBACK)
async def test_a_spelling_of_this_machine_leads_to_it_where_that_is_allowed(
    host: str, network: Network, listener: Listener
) -> None:
    async with client_of("0.0.0.0/0", "::/0") as http:
        response = await http.get(normalized(host, listener.port))

    assert response.status_code == 200
    assert (listener.connections, len(network.dialled)) == (1, 1)


@pytest.mark.parametrize("host", [*LOOPBACK, *ELSEWHERE])
async def test_a_forbidden_target_is_not_dialled_in_any_spelling(
    host: str, network: Network, listener: Listener
) -> None:
    async with client_of() as http:
        with pytest.raises(ForbiddenTargetError, match="is not public, and ALLOWED_PRIVATE_TARGETS does not list it"):
            await http.get(normalized(host, listener.port))
        with pytest.raises(HTTP_ERRORS):
            await http.get(f"http://{host}:{listener.port}/")

    assert (listener.connections, network.dialled) == (0, [])


@pytest.mark.parametrize("host", [*LOOPBACK, *ELSEWHERE])
async def test_nor_by_a_callback(host: str, network: Network, listener: Listener) -> None:
    async with open_target_sessions(policy=policy_of()) as sessions:
        client = CallbackClient(sessions, DeliverySettings())
        for url in (normalized(host, listener.port), f"http://{host}:{listener.port}/"):
            assert not isinstance(await client.post(OutcomeMessage("id", "calculation", url, "{}")), Delivered)

    assert (listener.connections, network.dialled) == (0, [])


async def test_a_callback_goes_to_a_listed_host(network: Network, listener: Listener) -> None:
    network.names["listed.example"] = [["127.0.0.1"]]
    outcome = OutcomeMessage("id", "calculation", f"http://LISTED.example:{listener.port}/", "{}")
    async with open_target_sessions(policy=policy_of("listed.example")) as sessions:
        assert await CallbackClient(sessions, DeliverySettings()).post(outcome) == Delivered()

    assert (listener.connections, network.dialled) == (1, ["127.0.0.1"])


async def test_nor_over_tls(network: Network, listener: Listener) -> None:
    async with client_of() as http:
        with pytest.raises(ForbiddenTargetError):
            await http.get(f"https://127.0.0.1:{listener.port}/")

    assert (listener.connections, network.dialled) == (0, [])


async def test_the_addresses_that_a_name_leads_to_are_in_the_log_and_not_in_the_reason(
    network: Network, listener: Listener
) -> None:
    network.names["intranet.example"] = [["127.0.0.1", "::1"]]
    with structlog.testing.capture_logs() as logged:
        async with client_of() as http:
            with pytest.raises(ForbiddenTargetError) as forbidden:
                await http.get(f"http://intranet.example:{listener.port}/")

    assert str(forbidden.value) == (
        f"intranet.example:{listener.port} is not public, and ALLOWED_PRIVATE_TARGETS does not list it"
    )
    assert [line["addresses"] for line in logged] == [["127.0.0.1", "::1"]]
    assert (listener.connections, network.dialled) == (0, [])


async def test_nor_are_those_of_a_listed_name_that_cannot_be_connected_to(network: Network, closed_port: int) -> None:
    network.names["listed.example"] = [["127.0.0.1", "::1"]]
    async with client_of("listed.example") as http:
        with pytest.raises(httpx2.ConnectError) as refused:
            await http.get(f"http://listed.example:{closed_port}/")

    assert str(refused.value).startswith(f"cannot connect to listed.example:{closed_port}")
    assert "127.0.0.1" not in str(refused.value)


async def test_each_of_many_requests_that_wait_for_one_lookup_is_refused(network: Network, listener: Listener) -> None:
    network.names["intranet.example"] = [["127.0.0.1"]]
    async with client_of() as http:
        requests = (http.get(f"http://intranet.example:{listener.port}/") for _ in range(10))
        errors = await asyncio.gather(*requests, return_exceptions=True)

    assert [type(error) for error in errors] == [ForbiddenTargetError] * 10
    assert (listener.connections, network.dialled) == (0, [])


async def test_of_a_name_with_both_kinds_of_addresses_the_public_ones_alone_are_dialled(
    network: Network, listener: Listener
) -> None:
    network.names["both.example"] = [["127.0.0.1", PUBLIC, "::1", "10.0.0.5"]]
    async with client_of() as http:
        await http.get(f"http://both.example:{listener.port}/")

    assert network.dialled == [PUBLIC]


async def test_a_name_that_is_rebound_is_not_followed(network: Network) -> None:
    network.names["rebinding.example"] = [[PUBLIC], ["127.0.0.1"], [PUBLIC]]
    # An answer is kept for a while, of each port for itself.
    async with listening() as first, listening() as second, listening() as third, client_of() as http:
        await http.get(f"http://rebinding.example:{first.port}/")
        with pytest.raises(ForbiddenTargetError):
            await http.get(f"http://rebinding.example:{second.port}/")
        await http.get(f"http://rebinding.example:{third.port}/")

    assert [first.connections, second.connections, third.connections] == [1, 0, 1]
    assert network.dialled == [PUBLIC, PUBLIC]


async def test_a_connection_that_a_listed_host_opened_serves_no_other(network: Network, listener: Listener) -> None:
    network.names["listed.example"] = network.names["other.example"] = [["127.0.0.1"]]
    async with client_of(f"listed.example:{listener.port}") as http:
        await http.get(f"http://listed.example:{listener.port}/")
        for host in ("127.0.0.1", "other.example", "listed.example.", "a.listed.example", "localhost"):
            with pytest.raises(HTTP_ERRORS):
                await http.get(f"http://{host}:{listener.port}/")
        await http.get(f"http://LISTED.example:{listener.port}/")

    assert (listener.connections, network.dialled) == (1, ["127.0.0.1"])


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("listed.example:80", "http://listed.example/"),
        ("listed.example:443", "https://listed.example/"),
        ("listed.example", "http://listed.example:1/"),
        ("127.0.0.1:80", "http://listed.example/"),
        ("127.0.0.0/8", "http://listed.example:1/"),
    ],
)
async def test_what_is_listed_is_dialled(entry: str, url: str, network: Network) -> None:
    network.names["listed.example"] = [["127.0.0.1"]]
    async with client_of(entry) as http:
        # Nobody need listen there.
        with suppress(httpx2.TransportError):
            await http.get(url)

    assert network.dialled == ["127.0.0.1"]


@pytest.mark.parametrize(
    "url", ["https://listed.example/", "http://listed.example:443/", "http://listed.example:8080/"]
)
async def test_a_host_that_is_listed_with_a_port_is_not_dialled_on_another(url: str, network: Network) -> None:
    network.names["listed.example"] = [["127.0.0.1"]]
    async with client_of("listed.example:80") as http:
        with pytest.raises(ForbiddenTargetError):
            await http.get(url)

    assert network.dialled == []
