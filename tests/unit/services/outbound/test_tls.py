"""HTTPS to real TLS servers: what is trusted, and in which words it is said why a server is not."""

import asyncio
import json
import os
import ssl
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from stack.config import ROOT
from tests.certificate_authority import Authority
from tests.service_fixtures import Serve

CLIENT = str(Path(__file__).with_name("tls_requests.py"))
PATIENCE_SECONDS = 60


class Server:
    """Answers every request with `{}`."""

    def __init__(self) -> None:
        self.connections = 0
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(2 if head.startswith(b"POST") else 0)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[Server]:
    server = Server()
    async with await asyncio.start_server(server.answer, "127.0.0.1", 0, ssl=context) as listener:
        server.url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        yield server


async def requests_of_a_process(urls: list[str], trusted: Path) -> list[list[str]]:
    """What became of a callback and of a data item to each URL, made by a process that has this SSL_CERT_FILE."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SSL_CERT_FILE": str(trusted),
        "ALLOWED_PRIVATE_TARGETS": "127.0.0.1,localhost",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, CLIENT, *urls, env=environment, stdout=PIPE)
    printed, _ = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    return [list(made) for made in json.loads(printed)]


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    await reader.read(65_536)
    writer.close()


async def answer(_request: web.Request) -> web.Response:
    return web.Response(text="{}")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "trusted")


async def test_a_server_is_trusted_whose_authority_is_in_ssl_cert_file(authority: Authority) -> None:
    async with serving(authority.issue("server")) as server:
        made = await requests_of_a_process([server.url], authority.certificate)

    assert made == [["delivered", "{}"]]
    # What TLS itself sends behind a handshake is no reason to give a connection up.
    assert server.connections == 1


async def test_it_is_said_why_a_server_is_not_trusted(authority: Authority, tmp_path: Path, serve: Serve) -> None:
    stranger = Authority(tmp_path, "stranger")
    contexts = {
        "another authority": stranger.issue("server"),
        "self-signed": stranger.context_of("stranger"),
        "another name": authority.issue("named", alternative_names="DNS:other.example"),
        "expired": authority.issue("expired", days=0),
    }
    async with AsyncExitStack() as stack:
        urls = {name: (await stack.enter_async_context(serving(each))).url for name, each in contexts.items()}
        urls["another name, by name"] = urls["another name"].replace("127.0.0.1", "localhost")
        urls["plain HTTP"] = (await stack.enter_async_context(serve(answer))).replace("http:", "https:") + "/"
        closing = await stack.enter_async_context(await asyncio.start_server(hang_up, "127.0.0.1", 0))
        urls["hangs up"] = f"https://127.0.0.1:{closing.sockets[0].getsockname()[1]}/"
        made = dict(zip(urls, await requests_of_a_process([*urls.values()], authority.certificate), strict=True))

    hosts = {name: url.split("/")[2] for name, url in urls.items()}
    reasons = {name: item.removeprefix(f"cannot connect to {hosts[name]}: ") for name, (_, item) in made.items()}
    assert reasons == {
        "another authority": "no trusted authority has issued its certificate (unable to get local issuer certificate);"
        " SSL_CERT_FILE names the trusted ones",
        "self-signed": "no trusted authority has issued its certificate (self-signed certificate);"
        " SSL_CERT_FILE names the trusted ones",
        "another name": "its certificate is not valid: IP address mismatch, certificate is not valid for '127.0.0.1'",
        "another name, by name": "its certificate is not valid: Hostname mismatch, certificate is not valid for"
        " 'localhost'",
        "expired": "its certificate is not valid: certificate has expired",
        "plain HTTP": "it does not speak TLS there; is it http:// rather than https://?",
        "hangs up": "it closed the connection in the TLS handshake",
    }
    assert [callback for callback, _ in made.values()] == [
        f"the receiver could not be reached: {item}" for _, item in made.values()
    ]
