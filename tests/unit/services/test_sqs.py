"""What is counted of the requests to SQS, with a server that is none."""

from aiohttp import web
from pydantic import HttpUrl

from services.queues import QueueDefinition
from services.settings import BrokerSettings
from services.sqs import Queue, open_sqs
from tests.service_fixtures import Growth, Serve

DEFINITION = QueueDefinition("calculation", "worker", 3, None, None, 345_600)


async def test_every_try_of_a_request_is_counted_by_its_operation(serve: Serve) -> None:
    tries = 0

    async def fail_once(request: web.Request) -> web.Response:
        nonlocal tries
        tries += 1
        if tries == 1:
            return web.json_response({"__type": "InternalError"}, status=500)
        queue_url = {"QueueUrl": f"http://{request.host}/queue"}
        asks_url = request.headers["x-amz-target"].endswith("GetQueueUrl")
        return web.json_response(queue_url if asks_url else {"Attributes": {}})

    growth = Growth.begin()
    async with serve(fail_once) as url, open_sqs(BrokerSettings(aws_endpoint_url=HttpUrl(url))) as client:
        await Queue(client, DEFINITION).check()

    assert growth.of("async_tasks_sqs_requests_total", operation="GetQueueUrl") == 2
    assert growth.of("async_tasks_sqs_requests_total", operation="GetQueueAttributes") == 1


async def test_a_service_that_measures_nothing_counts_no_request(serve: Serve) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"QueueUrl": "http://queue"})

    growth = Growth.begin()
    async with serve(answer) as url:
        settings = BrokerSettings(aws_endpoint_url=HttpUrl(url), metrics_enabled=False)
        async with open_sqs(settings) as client:
            await client.get_queue_url(QueueName="calculation")

    assert growth.of("async_tasks_sqs_requests_total", operation="GetQueueUrl") == 0
