"""Where SQS can be trusted with moving messages."""

import pytest

from services.dead_letters.move_task import moves_as_new_messages


@pytest.mark.parametrize(
    "url",
    [
        "https://sqs.eu-central-1.amazonaws.com",
        "https://sqs.cn-north-1.amazonaws.com.cn",
        "https://sqs.us-east-1.api.aws",
        "https://vpce-0a1b-2c3d.sqs.us-east-1.vpce.amazonaws.com/",
        "https://sqs-fips.us-east-1.amazonaws.com:443",
    ],
)
def test_a_message_that_aws_moves_is_a_new_one(url: str) -> None:
    assert moves_as_new_messages(url)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:4566", "http://localstack:4566", "http://amazonaws.com.example", "http://notamazonaws.com"],
)
def test_a_message_that_another_endpoint_moves_may_keep_its_receive_count(url: str) -> None:
    assert not moves_as_new_messages(url)
