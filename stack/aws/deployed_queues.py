"""The queues of a stack that is deployed, and what would be lost with them."""

from collections.abc import Mapping
from typing import Any

from stack.aws.deployed_stack import DeployedStack

_QUEUE = "AWS::SQS::Queue"


def queue_urls(cloudformation: Any, stack: DeployedStack) -> dict[str, str]:
    """Return the URLs of the stack's queues by their names."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.id)
    urls = [
        each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == _QUEUE and each.get("PhysicalResourceId")
    ]
    return {url.rpartition("/")[2]: url for url in urls}


def held_messages(sqs: Any, urls: Mapping[str, str]) -> dict[str, int]:
    """Return how many messages there are in each queue that has some: visible, in flight and delayed.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/approximate-numbers.html
    """
    numbers = {name: _messages(sqs, url) for name, url in urls.items()}
    return {name: number for name, number in numbers.items() if number}


def _messages(sqs: Any, url: str) -> int:
    names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
    try:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    except sqs.exceptions.QueueDoesNotExist:
        # Somebody has removed it by hand, or the removal of the stack has failed behind it.
        return 0
    return sum(int(attributes[name]) for name in names)


def messages_said(held: Mapping[str, int]) -> str:
    """Return how many messages are in which queue, as a person reads it."""
    return ", ".join(f"{number} in {name}" for name, number in sorted(held.items()))
