"""How a change that nobody has made yet is shown."""

import pytest

from stack.aws.change_set import Change, change_line, change_of

QUEUE = "AWS::SQS::Queue"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (Change("Add", "DataQueue", QUEUE), "  + DataQueue (AWS::SQS::Queue)"),
        (Change("Remove", "DataQueue", QUEUE), "  - DataQueue (AWS::SQS::Queue)"),
        (
            Change("Modify", "DataQueue", QUEUE, ("Tags", "VisibilityTimeout")),
            "  ~ DataQueue (AWS::SQS::Queue): Tags, VisibilityTimeout",
        ),
        (
            Change("Modify", "DataQueue", QUEUE, ("QueueName",), is_replaced=True),
            "  ~ DataQueue (AWS::SQS::Queue): QueueName, and another takes its place",
        ),
        (Change("Import", "DataQueue", QUEUE), "  Import DataQueue (AWS::SQS::Queue)"),
    ],
)
def test_a_line_says_what_becomes_of_a_resource(change: Change, line: str) -> None:
    assert change_line(change) == line


def test_what_cloudformation_says_in_detail_is_kept() -> None:
    # As of https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
    said = {
        "Action": "Modify",
        "LogicalResourceId": "DataQueue",
        "PhysicalResourceId": "https://sqs.eu-central-1.amazonaws.com/123456789012/data",
        "ResourceType": QUEUE,
        "Replacement": "True",
        "Scope": ["Properties", "Tags"],
        "Details": [
            {"Target": {"Attribute": "Tags", "RequiresRecreation": "Never"}, "ChangeSource": "DirectModification"},
            {"Target": {"Attribute": "Properties", "Name": "QueueName", "RequiresRecreation": "Always"}},
            {"Target": {"Attribute": "Properties", "Name": "QueueName", "RequiresRecreation": "Always"}},
        ],
    }

    assert change_of(said) == Change("Modify", "DataQueue", QUEUE, ("QueueName", "Tags"), is_replaced=True)


def test_without_details_it_is_a_change_all_the_same() -> None:
    said = {"Action": "Add", "LogicalResourceId": "DataQueue", "ResourceType": QUEUE}

    assert change_of(said) == Change("Add", "DataQueue", QUEUE)
