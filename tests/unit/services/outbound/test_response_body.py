"""How a response's body is read: streamed, decompressed, bounded."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.outbound.response_body import ResponseTooLargeError, read_body

KILOBYTE = 1000

# A fixed time, so that the tests have the same names in every process.
ZIPPED = gzip.compress(b"abc", mtime=0)


class Pieces(httpx2.AsyncByteStream):
    """A body that comes in these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.read += 1
            yield piece


async def read(body: Pieces | bytes, max_bytes: int = KILOBYTE, **headers: str) -> tuple[bytes, list[int]]:
    """The body as it is read, and the sizes that were counted."""
    stream = Pieces(body) if isinstance(body, bytes) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    counted: list[int] = []
    return await read_body(httpx2.Response(200, headers=named, stream=stream), max_bytes, counted.append), counted


async def test_a_body_is_read_piece_by_piece_and_counted() -> None:
    assert await read(Pieces(b"abc", b"de")) == (b"abcde", [3, 2])
    assert await read(b"") == (b"", [])


@given(st.binary(max_size=300), st.integers(1, 50))
async def test_a_gzip_body_is_decoded_however_it_is_cut(text: bytes, size: int) -> None:
    packed = gzip.compress(text, mtime=0)
    pieces = [packed[start : start + size] for start in range(0, len(packed), size)]

    body, counted = await read(Pieces(*pieces), content_encoding="gzip")

    assert body == text
    assert sum(counted) == len(text)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZip", " gzip "])
async def test_gzip_has_more_than_one_spelling(coding: str) -> None:
    assert (await read(ZIPPED, content_encoding=coding))[0] == b"abc"


@pytest.mark.parametrize("coding", ["", "identity", "Identity"])
async def test_a_body_may_come_as_it_is(coding: str) -> None:
    assert (await read(b"abc", content_encoding=coding))[0] == b"abc"


@pytest.mark.parametrize(
    "coding", ["br", "zstd", "deflate", "compress", "gzip, gzip", "gzip,identity", "gzip;q=1", "x" * 8000]
)
async def test_another_coding_or_several_are_refused_by_name_and_unread(coding: str) -> None:
    body = Pieces(b"abc")

    with pytest.raises(httpx2.DecodingError) as refused:
        await read(body, content_encoding=coding)

    assert body.read == 0
    assert coding[:100] in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{}", "it is no gzip, which its content-encoding says it is"),
        (zlib.compress(b"abc"), "it is no gzip, which its content-encoding says it is"),
        (ZIPPED[:-1], "it breaks off in the middle of its gzip encoding"),
        (ZIPPED[:5], "it breaks off in the middle of its gzip encoding"),
        (ZIPPED + b"\x00", "it goes on behind the end of its gzip encoding"),
        (ZIPPED + b"{}", "it goes on behind the end of its gzip encoding"),
        (ZIPPED + ZIPPED[:-1], "it breaks off in the middle of its gzip encoding"),
        (ZIPPED + ZIPPED[:1], "it breaks off in the middle of its gzip encoding"),
        (ZIPPED + ZIPPED[:-8] + bytes(8), "it is no gzip, which its content-encoding says it is"),
        (ZIPPED[:-8] + bytes(8), "it is no gzip, which its content-encoding says it is"),
    ],
)
async def test_a_body_that_is_not_in_the_coding_that_it_says_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(httpx2.DecodingError, match=reason):
        await read(body, content_encoding="gzip")


async def test_gzip_may_have_several_members_wherever_it_is_cut() -> None:
    body = gzip.compress(b"abc") + gzip.compress(b"") + gzip.compress(b"def")

    for cut in range(len(body)):
        assert (await read(Pieces(body[:cut], body[cut:]), content_encoding="gzip"))[0] == b"abcdef"


async def test_nothing_is_no_encoding_that_breaks_off() -> None:
    assert (await read(b"", content_encoding="gzip"))[0] == b""


async def test_many_members_are_not_unfolded_beyond_the_limit() -> None:
    member = gzip.compress(bytes(600), mtime=0)

    assert len((await read(member, content_encoding="gzip"))[0]) == 600
    with pytest.raises(ResponseTooLargeError):
        await read(member * 2, content_encoding="gzip")


@pytest.mark.parametrize("size", [0, 1, KILOBYTE])
async def test_a_body_as_large_as_it_may_be_is_read(size: int) -> None:
    text = bytes(size)

    assert (await read(text))[0] == text
    assert (await read(gzip.compress(text, mtime=0), content_encoding="gzip"))[0] == text


@pytest.mark.parametrize("size", [KILOBYTE + 1, 50 * KILOBYTE])
async def test_a_larger_body_is_refused(size: int) -> None:
    with pytest.raises(ResponseTooLargeError):
        await read(bytes(size))
    with pytest.raises(ResponseTooLargeError):
        await read(gzip.compress(bytes(size), mtime=0), content_encoding="gzip")


async def test_a_larger_body_is_not_read_on() -> None:
    body = Pieces(*[bytes(KILOBYTE)] * 10)

    with pytest.raises(ResponseTooLargeError):
        await read(body)

    assert body.read == 2


async def test_what_decodes_to_nothing_may_not_be_sent_for_ever_either() -> None:
    # A gzip header whose comment does not end.
    body = Pieces(b"\x1f\x8b\x08\x10" + bytes(6), *[b"a" * KILOBYTE] * 10)

    with pytest.raises(ResponseTooLargeError):
        await read(body, content_encoding="gzip")

    assert body.read == 2


async def test_a_decompression_bomb_is_not_unfolded() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(100)) + packer.flush()
    body = Pieces(bomb)

    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLargeError):
            await read(body, 200 * KILOBYTE, content_encoding="gzip")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(bomb) < 200 * KILOBYTE
    assert peak < 2_000_000


async def test_who_counts_can_end_the_reading() -> None:
    body = Pieces(b"abc", b"def", b"ghi")
    counted: list[int] = []

    def count(size: int) -> None:
        counted.append(size)
        if len(counted) == 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read_body(httpx2.Response(200, stream=body), KILOBYTE, count)

    assert body.read == 2
