"""Whether a deployed API takes tasks: it is closed before queues are removed, so that none is lost that comes then."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stack.aws.account import Account
from stack.aws.deployed_stack import DeployedStack
from stack.aws.functions_template import function_id
from stack.aws.load_balancer import LISTENER
from stack.status import API

Open = Callable[[], None]
"""Lets it take tasks as before."""

_CLOSED = {
    "Type": "fixed-response",
    "FixedResponseConfig": {
        "StatusCode": "503",
        "ContentType": "text/plain",
        "MessageBody": "No task is taken any more.",
    },
}


@contextmanager
def closed(account: Account, stack: DeployedStack, *, for_good: bool = False) -> Iterator[None]:
    """Let the API of the stack take no tasks in the block; `for_good`: none behind it either, unless it fails.

    What it has begun it still answers.
    """
    open_again = _close(account, stack)
    try:
        yield
    except BaseException:
        open_again()
        raise
    if not for_good:
        open_again()


def _close(account: Account, stack: DeployedStack) -> Open:
    match stack.target:
        case "lambda" if function := _resource(account, stack.id, function_id(API)):
            return _close_function(account.client("lambda"), function)
        case "containers" if listener := _resource(account, stack.id, LISTENER):
            return _close_load_balancer(account.client("elbv2"), listener)
    # A receiver, or what came to be of a first deployment that has failed.
    return _nothing


def _close_function(functions: Any, name: str) -> Open:
    """Let Lambda answer 429 by itself.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    """
    before = functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    def open_again() -> None:
        if before is None:
            functions.delete_function_concurrency(FunctionName=name)
        else:
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=before)

    return open_again


def _close_load_balancer(balancers: Any, listener: str) -> Open:
    """Let the load balancer answer 503 by itself.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
    """
    before = _actions(balancers, listener)
    balancers.modify_listener(ListenerArn=listener, DefaultActions=[_CLOSED])

    def open_again() -> None:
        # A deployment may have let it lead to another target group meanwhile.
        if _actions(balancers, listener)[0]["Type"] == _CLOSED["Type"]:
            balancers.modify_listener(ListenerArn=listener, DefaultActions=before)

    return open_again


def _actions(balancers: Any, listener: str) -> Any:
    [found] = balancers.describe_listeners(ListenerArns=[listener])["Listeners"]
    return found["DefaultActions"]


def _nothing() -> None:
    """Open what was not closed."""


def _resource(account: Account, stack: str, logical_id: str) -> Any:
    """Return the name or ARN that a resource of the stack has, None where there is none."""
    pages = account.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    for page in pages:
        for each in page["StackResourceSummaries"]:
            if each["LogicalResourceId"] == logical_id and not each["ResourceStatus"].startswith("DELETE"):
                return each.get("PhysicalResourceId")
    return None
