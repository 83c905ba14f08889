"""What the other end of a connection gets of writes, and when, over a real one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from web.joined_writes import JoinedWrites


@pytest.fixture
async def ends() -> AsyncIterator[tuple[asyncio.Transport, socket.socket]]:
    """A connection, and its other end, which never waits."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)  # noqa: FBT003  # it takes no keyword
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    with theirs:
        yield transport, theirs
        transport.abort()


@pytest.fixture
async def transport(ends: tuple[asyncio.Transport, socket.socket]) -> JoinedWrites:
    return JoinedWrites(ends[0], asyncio.get_running_loop())


@pytest.fixture
def other(ends: tuple[asyncio.Transport, socket.socket]) -> socket.socket:
    return ends[1]


async def turn() -> None:
    await asyncio.sleep(0)


async def test_the_first_write_goes_together_with_the_second(transport: JoinedWrites, other: socket.socket) -> None:
    transport.write(b"head ")
    with pytest.raises(BlockingIOError):
        other.recv(100)

    transport.write(b"content ")
    assert other.recv(100) == b"head content "

    transport.write(b"more")
    assert other.recv(100) == b"more"


async def test_a_write_that_is_alone_goes_when_the_turn_of_the_loop_is_over(
    transport: JoinedWrites, other: socket.socket
) -> None:
    for data in (b"first", b"second"):
        transport.write(data)
        await turn()
        assert other.recv(100) == data


async def test_what_is_empty_is_no_write(transport: JoinedWrites, other: socket.socket) -> None:
    transport.write(b"")
    transport.write(b"head ")
    transport.write(b"")
    transport.write(b"content")
    assert other.recv(100) == b"head content"


async def test_several_writes_at_once_go_behind_the_one_before(transport: JoinedWrites, other: socket.socket) -> None:
    transport.write(b"a")
    transport.writelines([b"b", b"c"])
    assert other.recv(100) == b"abc"


@pytest.mark.parametrize("end", [JoinedWrites.close, JoinedWrites.write_eof])
async def test_nothing_is_kept_at_the_end(
    transport: JoinedWrites, other: socket.socket, end: Callable[[JoinedWrites], None]
) -> None:
    transport.write(b"head")
    end(transport)
    await turn()
    assert (other.recv(100), other.recv(100)) == (b"head", b"")


async def test_what_was_kept_is_gone_with_its_connection(
    ends: tuple[asyncio.Transport, socket.socket], transport: JoinedWrites, other: socket.socket
) -> None:
    transport.write(b"head")
    ends[0].abort()
    await turn()
    assert other.recv(100) == b""
