"""The programs that take part in a measurement do what they claim to do."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

from bench.growth import LARGEST_REQUEST_BYTES, PAYLOADS, memory_over_progress
from bench.programs import work
from bench.programs.http_connections import Connections, get, post_json
from bench.programs.http_producer import make_request
from bench.programs.otlp_sink import Exports, OtlpSinkProtocol
from bench.programs.receiver import Arrivals, ReceiverProtocol
from bench.systems import CELERY, DRAMATIQ, TASKIQ
from services.messages import MAX_BODY_BYTES, encode_task
from services.primitives import exact_json
from services.tasks.calculation import TASK_TYPE, calculate

ITEMS = TASK_TYPE.item
CALLBACK_URL = "https://receiver.example/callback"


def test_the_work_of_the_others_has_the_results_of_this_projects() -> None:
    results = [{item["name"]: float(calculate(ITEMS.model_validate(item)))} for item in work.ITEMS]
    outcome = json.loads(work.outcome("an-id", work.ITEMS))
    assert outcome == {"results": results, "errors": [], "task_id": "an-id"}


@pytest.mark.parametrize("request_bytes", PAYLOADS)
def test_a_payload_is_a_valid_request_of_so_many_bytes(request_bytes: int) -> None:
    request = make_request(CALLBACK_URL, request_bytes)
    assert len(request) == request_bytes
    TASK_TYPE.request_model.model_validate(exact_json.loads(request.decode()))


def test_the_largest_payload_fills_a_message() -> None:
    request = make_request(CALLBACK_URL, LARGEST_REQUEST_BYTES)
    message = encode_task("00000000-0000-0000-0000-000000000000", TASK_TYPE.name, request.decode())
    assert len(message) == MAX_BODY_BYTES


def test_memory_is_taken_when_each_tenth_was_done() -> None:
    samples = [(0, 1_000_000), (15, 2_000_000), (100, 3_000_000)]
    figures = memory_over_progress(samples, 100)
    assert figures["rss_mb_at.010"] == 2.0
    assert figures["rss_mb_at.020"] == figures["rss_mb_at.100"] == 3.0


@pytest.mark.parametrize("environment", [CELERY, TASKIQ, DRAMATIQ], ids=lambda environment: environment.name)
def test_the_versions_of_a_peer_stand_in_its_lock(environment: type) -> None:
    assert isinstance(environment, type(CELERY))
    assert environment.versions().keys() == set(environment.packages)


class TestReceiver:
    """The receiver, over real connections."""

    @pytest.fixture
    async def port(self) -> AsyncIterator[int]:
        arrivals: Arrivals = {}
        server = await asyncio.get_running_loop().create_server(lambda: ReceiverProtocol(arrivals, 0), "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def test_it_notes_each_time_that_a_task_is_heard_of(self, port: int) -> None:
        connections = Connections(port)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            for task_id in ("a", "b", "a"):
                async with client.post("/callback", data=json.dumps({"task_id": task_id})) as response:
                    assert response.status == 204
        arrivals = json.loads(await connections.send(get("/arrivals")))
        assert [len(arrivals["a"]), len(arrivals["b"])] == [2, 1]
        assert await connections.send(get("/count")) == b"2"
        connections.close()

    async def test_it_forgets_when_asked(self, port: int) -> None:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            await client.post("/callback", data=json.dumps({"task_id": "a"}))
            await client.delete("/arrivals")
            async with client.get("/count") as response:
                assert await response.json() == 0


async def test_the_otlp_sink_takes_every_export_and_counts_them() -> None:
    exports = Exports()
    server = await asyncio.get_running_loop().create_server(lambda: OtlpSinkProtocol(exports), "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        provider = TracerProvider(shutdown_on_exit=False)
        exporter = OTLPSpanExporter(f"{url}/v1/traces")
        with provider.get_tracer("a test").start_as_current_span("a span") as span:
            pass
        assert isinstance(span, ReadableSpan)
        for _ in range(2):
            assert await asyncio.to_thread(exporter.export, [span]) is SpanExportResult.SUCCESS
        async with aiohttp.ClientSession() as client, client.get(f"{url}/count") as response:
            assert await response.json() == 2
        exporter.shutdown()  # type: ignore[no-untyped-call]  # OpenTelemetry leaves it untyped


async def test_a_connection_that_the_server_has_closed_is_replaced() -> None:
    opened = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    async with server:
        connections = Connections(server.sockets[0].getsockname()[1])
        for _ in range(3):
            assert await connections.send(get("/")) == b"ok"
            await asyncio.sleep(0)  # the loop sees that it was closed
        connections.close()
    assert opened == 3


async def test_an_answer_other_than_200_is_an_error() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        with pytest.raises(ConnectionError, match=r"503.*busy"):
            await Connections(server.sockets[0].getsockname()[1]).send(post_json("/", b"{}"))
