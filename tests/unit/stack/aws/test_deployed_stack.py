"""Which stacks are deployed to, and which are removed."""

import pytest

from stack.aws.deployed_queues import messages_said
from stack.aws.deployed_stack import TAG, DeployedStack, refuse_to_deploy, refuse_to_remove, require_stack_name
from stack.config import DeploymentTarget
from stack.errors import StackError


def stack(status: str, *, is_ours: bool = True) -> DeployedStack:
    return DeployedStack("tasks", "arn:tasks", status, {TAG: "lambda"} if is_ours else {"team": "other"}, {}, {})


def test_where_there_is_none_it_is_made() -> None:
    refuse_to_deploy(None, "lambda")


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_one_that_stands_is_changed_and_removed(status: str) -> None:
    refuse_to_deploy(stack(status), "lambda")
    refuse_to_remove(stack(status))


@pytest.mark.parametrize("target", ["containers", "receiver"])
def test_one_becomes_no_other_target(target: DeploymentTarget) -> None:
    with pytest.raises(StackError, match=f"The stack tasks is TARGET=lambda, and becomes no other one: .*{target}"):
        refuse_to_deploy(stack("UPDATE_COMPLETE"), target)


@pytest.mark.parametrize("is_ours", [True, False])
def test_one_that_has_nothing_yet_is_made_and_removed(*, is_ours: bool) -> None:
    # Its tags are those of the change set that nobody has executed.
    refuse_to_deploy(stack("REVIEW_IN_PROGRESS", is_ours=is_ours), "lambda")
    refuse_to_remove(stack("REVIEW_IN_PROGRESS", is_ours=is_ours))


@pytest.mark.parametrize(
    "status",
    [
        "CREATE_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
    ],
)
def test_one_that_is_worked_on_is_left_alone(status: str) -> None:
    line = f"The stack tasks is {status}: CloudFormation is at work on it. Try again when it is done."
    with pytest.raises(StackError, match=line):
        refuse_to_deploy(stack(status), "lambda")
    with pytest.raises(StackError, match=line):
        refuse_to_remove(stack(status))


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"])
def test_one_that_cloudformation_changes_no_more_is_removed_first(status: str) -> None:
    with pytest.raises(StackError, match=f"{status}.*remove it first with `make undeploy STACK=tasks`"):
        refuse_to_deploy(stack(status), "lambda")
    refuse_to_remove(stack(status))


def test_one_whose_rollback_has_failed_is_brought_back_first() -> None:
    with pytest.raises(StackError, match="continue-update-rollback --stack-name tasks"):
        refuse_to_deploy(stack("UPDATE_ROLLBACK_FAILED"), "lambda")
    refuse_to_remove(stack("UPDATE_ROLLBACK_FAILED"))


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "ROLLBACK_COMPLETE"])
def test_what_somebody_else_has_made_is_left_alone(status: str) -> None:
    with pytest.raises(StackError, match="`make deploy` has not made"):
        refuse_to_deploy(stack(status, is_ours=False), "lambda")
    with pytest.raises(StackError, match="`make deploy` has not made"):
        refuse_to_remove(stack(status, is_ours=False))


@pytest.mark.parametrize("name", ["t", "tasks", "Tasks-2", "a" * 128])
def test_a_name_that_cloudformation_takes(name: str) -> None:
    require_stack_name(name)


@pytest.mark.parametrize("name", ["2tasks", "-tasks", "my_tasks", "my tasks", "tasks\n", "a" * 129])
def test_a_name_that_cloudformation_does_not_take(name: str) -> None:
    with pytest.raises(StackError, match="is no name of a stack: it has letters, digits and hyphens"):
        require_stack_name(name)


def test_that_the_name_is_missing_is_said() -> None:
    with pytest.raises(StackError, match="The stack needs a name: STACK=name"):
        require_stack_name("")


def test_how_many_messages_are_in_which_queue() -> None:
    assert messages_said({"t-data": 2, "t-calculation": 1}) == "1 in t-calculation, 2 in t-data"
