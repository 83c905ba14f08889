"""Other services of AWS that a task type uses: its worker may what it declares, and nobody else may."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from services.task_types.loading import TaskTypes
from services.tasks.calculation import TASK_TYPE as CALCULATION
from services.tasks.data import TASK_TYPE as DATA
from stack.aws.containers_template import containers_template
from stack.aws.functions_template import functions_template

STATEMENT = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:PutObject"],
    "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${AWS::StackName}-texts/*"},
}
TASK_TYPES: TaskTypes = {"calculation": CALCULATION, "data": replace(DATA, iam_statements=(STATEMENT,))}

Template = Callable[[TaskTypes, Mapping[str, str]], Mapping[str, Any]]


def statements(template: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What each role allows, by its logical id."""
    return {
        name: [each for policy in role["Properties"]["Policies"] for each in policy["PolicyDocument"]["Statement"]]
        for name, role in template["Resources"].items()
        if role["Type"] == "AWS::IAM::Role"
    }


@pytest.mark.parametrize(
    ("template", "role"), [(functions_template, "WorkerDataRole"), (containers_template, "WorkerDataTaskRole")]
)
def test_the_role_of_its_worker_has_its_statements_behind_those_of_queues_and_no_other_role_has(
    template: Template, role: str
) -> None:
    ours: TaskTypes = {"calculation": CALCULATION, "data": DATA}
    ordinary = statements(template(ours, {}))

    assert statements(template(TASK_TYPES, {})) == {**ordinary, role: [*ordinary[role], STATEMENT]}
