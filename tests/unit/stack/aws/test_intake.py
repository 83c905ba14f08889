"""A deployed API takes no tasks while its queues are about to be removed, and takes them again where they are not."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.stub import Stubber

from stack.aws.account import Account
from stack.aws.deployed_stack import TAG, DeployedStack
from stack.aws.intake import closed
from stack.errors import StackError

FORWARD = [{"Type": "forward", "TargetGroupArn": "arn:target-group"}]
REFUSE = [
    {
        "Type": "fixed-response",
        "FixedResponseConfig": {
            "StatusCode": "503",
            "ContentType": "text/plain",
            "MessageBody": "No task is taken any more.",
        },
    }
]


@dataclass(frozen=True)
class Clients:
    """A session of boto3, of whose clients each answers as it is told, to the requests that are expected."""

    answers: Mapping[str, Stubber]

    def client(self, service: str, **_: Any) -> Any:
        return self.answers[service].client


@pytest.fixture
def answers() -> Any:
    config = Config(signature_version=UNSIGNED)
    names = ("cloudformation", "lambda", "elbv2")
    stubbers = {name: Stubber(boto3.client(name, region_name="eu-central-1", config=config)) for name in names}
    with ExitStack() as stack:
        for each in stubbers.values():
            stack.enter_context(each)
        yield stubbers
        for each in stubbers.values():
            each.assert_no_pending_responses()


@pytest.fixture
def account(answers: Mapping[str, Stubber]) -> Account:
    return Account("1", "eu-central-1", "https://cloudformation.eu-central-1.amazonaws.com", Clients(answers))


def stack(target: str) -> DeployedStack:
    return DeployedStack("tasks", "arn:tasks", "UPDATE_COMPLETE", {TAG: target}, {}, {})


def has(answers: Mapping[str, Stubber], resource: str, status: str = "CREATE_COMPLETE") -> None:
    summary = {
        "LogicalResourceId": resource,
        "PhysicalResourceId": "its-name-of-one-that-is-there-already",
        "ResourceType": "AWS::Any::Thing",
        "ResourceStatus": status,
        "LastUpdatedTimestamp": "2026-01-01T00:00:00Z",
    }
    answers["cloudformation"].add_response(
        "list_stack_resources", {"StackResourceSummaries": [summary]}, {"StackName": "arn:tasks"}
    )


NAME = "its-name-of-one-that-is-there-already"


def expects_function_to_close(answers: Mapping[str, Stubber], before: dict[str, int]) -> None:
    has(answers, "ApiFunction")
    answers["lambda"].add_response("get_function_concurrency", before, {"FunctionName": NAME})
    nothing = {"FunctionName": NAME, "ReservedConcurrentExecutions": 0}
    answers["lambda"].add_response("put_function_concurrency", {}, nothing)


def describes_listener(answers: Mapping[str, Stubber], actions: list[dict[str, Any]]) -> None:
    found = {"Listeners": [{"ListenerArn": NAME, "DefaultActions": actions}]}
    answers["elbv2"].add_response("describe_listeners", found, {"ListenerArns": [NAME]})


def expects_listener_to_close(answers: Mapping[str, Stubber]) -> None:
    has(answers, "ApiListener")
    describes_listener(answers, FORWARD)
    answers["elbv2"].add_response("modify_listener", {}, {"ListenerArn": NAME, "DefaultActions": REFUSE})


def test_a_function_is_called_no_more(answers: Mapping[str, Stubber], account: Account) -> None:
    expects_function_to_close(answers, {})

    with closed(account, stack("lambda"), for_good=True):
        pass


def test_a_function_is_called_again_when_a_change_is_done(answers: Mapping[str, Stubber], account: Account) -> None:
    expects_function_to_close(answers, {})
    answers["lambda"].add_response("delete_function_concurrency", {}, {"FunctionName": NAME})

    with closed(account, stack("lambda")):
        pass


def test_a_function_is_called_again_where_its_queues_stay(answers: Mapping[str, Stubber], account: Account) -> None:
    expects_function_to_close(answers, {})
    answers["lambda"].add_response("delete_function_concurrency", {}, {"FunctionName": NAME})

    with pytest.raises(StackError), closed(account, stack("lambda"), for_good=True):
        raise StackError("Its queues have messages.")


def test_a_function_has_again_what_somebody_has_reserved_for_it(
    answers: Mapping[str, Stubber], account: Account
) -> None:
    expects_function_to_close(answers, {"ReservedConcurrentExecutions": 7})
    reserved = {"FunctionName": NAME, "ReservedConcurrentExecutions": 7}
    answers["lambda"].add_response("put_function_concurrency", {}, reserved)

    with pytest.raises(KeyboardInterrupt), closed(account, stack("lambda")):
        raise KeyboardInterrupt


def test_a_load_balancer_lets_nothing_through_until_it_is_known_that_the_queues_stay(
    answers: Mapping[str, Stubber], account: Account
) -> None:
    expects_listener_to_close(answers)
    describes_listener(answers, REFUSE)
    answers["elbv2"].add_response("modify_listener", {}, {"ListenerArn": NAME, "DefaultActions": FORWARD})

    with pytest.raises(StackError), closed(account, stack("containers"), for_good=True):
        raise StackError("Its queues have messages.")


def test_a_load_balancer_that_a_deployment_has_led_elsewhere_stays_as_that_has_left_it(
    answers: Mapping[str, Stubber], account: Account
) -> None:
    expects_listener_to_close(answers)
    describes_listener(answers, [{"Type": "forward", "TargetGroupArn": "arn:another-target-group"}])

    with closed(account, stack("containers")):
        pass


@pytest.mark.parametrize(("target", "resource"), [("lambda", "ApiFunction"), ("containers", "ApiListener")])
@pytest.mark.parametrize("status", ["DELETE_COMPLETE", "DELETE_FAILED"])
def test_what_a_failed_deployment_has_left_has_no_api_to_close(
    target: str, resource: str, status: str, answers: Mapping[str, Stubber], account: Account
) -> None:
    has(answers, resource, status)

    with closed(account, stack(target)):
        pass


@pytest.mark.usefixtures("answers")
def test_a_receiver_has_none(account: Account) -> None:
    with closed(account, stack("receiver")):
        pass
