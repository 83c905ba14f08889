"""What is said while CloudFormation works, and why it has failed."""

import pytest

from stack.aws.deploy import progress_line
from stack.aws.stack_events import Event, event_line, events_since, failures

QUEUE = "AWS::SQS::Queue"
STACK = "AWS::CloudFormation::Stack"


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("CREATE_COMPLETE", "  made: DataQueue (AWS::SQS::Queue)"),
        ("UPDATE_COMPLETE", "  changed: DataQueue (AWS::SQS::Queue)"),
        ("DELETE_COMPLETE", "  removed: DataQueue (AWS::SQS::Queue)"),
        ("CREATE_FAILED", "  CREATE_FAILED: DataQueue (AWS::SQS::Queue)"),
        ("CREATE_IN_PROGRESS", None),
        ("DELETE_SKIPPED", None),
    ],
)
def test_a_line_says_what_a_resource_has_become(status: str, line: str | None) -> None:
    assert event_line(Event("1", status, QUEUE, "DataQueue")) == line


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "CREATE_FAILED"])
def test_of_the_stack_itself_there_is_no_line(status: str) -> None:
    assert event_line(Event("1", status, STACK, "tasks")) is None


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        (
            "CREATE_COMPLETE             AWS::SQS::Queue             DataQueue              -            ",
            "  made: DataQueue (AWS::SQS::Queue)",
        ),
        (
            "UPDATE_FAILED      AWS::Lambda::Function      ApiFunction      Resource handler returned message:   ",
            "  UPDATE_FAILED: ApiFunction (AWS::Lambda::Function)",
        ),
        ("CREATE_IN_PROGRESS          AWS::SQS::Queue             DataQueue              -            ", None),
        ("CREATE_COMPLETE             AWS::CloudFormation::Stack  tasks                  -            ", None),
        ("\tCreating the required resources...", "Making the bucket for packages, once for an account and region."),
        ("Waiting for changeset to be created..", "CloudFormation computes what changes."),
        ("No changes to deploy. Stack tasks is up to date", "Nothing of the stack changes."),
        ("+ Add                       DataQueue                   AWS::SQS::Queue        N/A          ", None),
        ("\tFile with same data already exists at tasks/1, skipping upload", None),
        ("", None),
    ],
)
def test_of_what_the_sam_cli_prints_a_line_for_each_resource_is_left(printed: str, said: str | None) -> None:
    assert progress_line(printed) == said


def numbered(*ids: str) -> list[Event]:
    return [Event(each, "CREATE_COMPLETE", QUEUE, each) for each in ids]


def test_the_events_of_this_change_are_those_behind_the_last_of_the_one_before() -> None:
    newest_first = numbered("4", "3", "2", "1")

    assert events_since(iter(newest_first), "2") == numbered("3", "4")
    assert events_since(iter(newest_first), "4") == []
    assert events_since(iter(newest_first), None) == numbered("1", "2", "3", "4")


def test_what_has_failed_is_said_with_its_reason_and_not_what_was_given_up_because_of_it() -> None:
    found = [
        Event("1", "CREATE_COMPLETE", QUEUE, "DataQueue"),
        Event("2", "CREATE_FAILED", QUEUE, "AlertsQueue", "it is there already"),
        Event("3", "CREATE_FAILED", QUEUE, "CallbacksQueue", "Resource creation cancelled"),
        Event("4", "CREATE_FAILED", QUEUE, "UndeliveredQueue"),
        Event("5", "CREATE_FAILED", STACK, "tasks", "The following resource(s) failed to create: [AlertsQueue]."),
    ]

    assert failures(found) == ["AlertsQueue: it is there already"]
