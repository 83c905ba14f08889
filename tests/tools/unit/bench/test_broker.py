"""Requests are counted in what LocalStack logs."""

from bench.broker import count_requests

LOG = b"""\
2026-11-24T08:05:51.087  INFO --- [  MainThread] localstack.utils.bootstrap : Execution of "start_runtime" took 817ms
2026-11-24T08:05:51.100  INFO --- [et.reactor-1] localstack.request.aws     : AWS sqs.ReceiveMessage => 200
2026-11-24T08:05:51.104  INFO --- [et.reactor-0] localstack.request.aws     : AWS sqs.DeleteMessageBatch => 200
2026-11-24T08:05:51.109  INFO --- [et.reactor-0] localstack.request.http    : GET /_localstack/health => 200
2026-11-24T08:05:51.112  INFO --- [et.reactor-1] localstack.request.aws     : AWS sqs.DeleteMessageBatch => 400 (Nope)
"""


def test_each_request_to_sqs_counts_by_its_operation_whatever_the_answer() -> None:
    assert count_requests(LOG) == {"ReceiveMessage": 1, "DeleteMessageBatch": 2}
