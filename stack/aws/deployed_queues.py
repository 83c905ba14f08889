"""The queues of a stack that is deployed, and what would be lost with them."""

import time
from collections.abc import Mapping
from typing import Any

from services.queueing.client import is_aws
from services.queues import UNDELIVERED
from stack.aws.account import Account
from stack.aws.deployed_stack import DeployedStack
from stack.aws.draining import Draining
from stack.terminal import OnProgress

_QUEUE = "AWS::SQS::Queue"

_POLL_SECONDS = 1
_QUIET_SECONDS_ELSEWHERE = 3.0
"""What stands for AWS counts exactly, and at once."""


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


def kept_messages(account: Account, urls: Mapping[str, str]) -> dict[str, int]:
    """Return how many messages are in which of these queues, by their names, that are kept for a person to look at."""
    return held_messages(account.client("sqs"), {name: url for name, url in urls.items() if name.endswith(UNDELIVERED)})


def let_run_dry(account: Account, urls: Mapping[str, str], on_progress: OnProgress) -> dict[str, int]:
    """Wait until queues, by their names, have been empty for a while: their API takes no more tasks.

    Return how many messages are in which queue where nobody works them, nothing where all are empty.
    """
    sqs = account.client("sqs")
    draining = Draining() if is_aws(account.endpoint) else Draining(quiet_seconds=_QUIET_SECONDS_ELSEWHERE)
    said: dict[str, int] = {}
    while True:
        held = held_messages(sqs, urls)
        if draining.look(sum(held.values()), time.monotonic()) != "draining":
            return held
        if held not in ({}, said):
            on_progress(f"  there are {messages_said(held)}")
        said = held
        time.sleep(_POLL_SECONDS)


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
