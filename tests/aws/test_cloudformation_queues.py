"""The queues as CloudFormation makes them from aws/queues.yaml are those that LocalStack's hook makes."""

import json
import re
from contextlib import suppress
from typing import Any

import pytest

from stack.aws.generated_files import QUEUES_TEMPLATE
from tests.integration.conftest import QUEUES_JSON
from tests.integration.stack.localstack_client import client_of

QUEUES = [queue["name"] for queue in json.loads(QUEUES_JSON)["queues"]]
PREFIX = "by-template-"

# What says when a queue was made and what is in it, and not what it is.
OF_THE_MOMENT = re.compile(r"ApproximateNumberOfMessages.*|CreatedTimestamp|LastModifiedTimestamp")


@pytest.fixture(scope="module")
def stack(cloudformation_url: str) -> str:
    """The name of a stack that is made of the template as it is."""
    cloudformation = client_of("cloudformation", cloudformation_url)
    cloudformation.create_stack(
        StackName="queues",
        TemplateBody=QUEUES_TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": "QueueNamePrefix", "ParameterValue": PREFIX}],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="queues", WaiterConfig={"Delay": 1})
    return "queues"


def attributes(cloudformation_url: str, name: str) -> dict[str, Any]:
    """What a queue is, its policies as JSON."""
    sqs = client_of("sqs", cloudformation_url)
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found: dict[str, Any] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    for policy in ("RedrivePolicy", "RedriveAllowPolicy"):
        with suppress(KeyError):
            found[policy] = json.loads(found[policy])
    return {key: value for key, value in found.items() if not OF_THE_MOMENT.fullmatch(key)}


def without_prefix(value: Any) -> Any:
    return json.loads(json.dumps(value).replace(f":{PREFIX}", ":"))


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.usefixtures("stack")
def test_a_queue_is_the_same_whoever_makes_it(cloudformation_url: str, queue: str) -> None:
    by_hook = attributes(cloudformation_url, queue)

    assert {"VisibilityTimeout", "MessageRetentionPeriod", "MaximumMessageSize", "RedriveAllowPolicy"} <= by_hook.keys()
    assert without_prefix(attributes(cloudformation_url, PREFIX + queue)) == by_hook


def test_the_stack_has_no_other_queue(cloudformation_url: str, stack: str) -> None:
    resources = client_of("cloudformation", cloudformation_url).describe_stack_resources(StackName=stack)[
        "StackResources"
    ]
    made = [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == "AWS::SQS::Queue"]
    assert sorted(url.rpartition("/")[2] for url in made) == sorted(PREFIX + queue for queue in QUEUES)


@pytest.mark.usefixtures("stack")
def test_there_is_an_alarm_for_each_of_the_template(cloudformation_url: str) -> None:
    wanted = QUEUES_TEMPLATE.read_text().count("Type: AWS::CloudWatch::Alarm")
    assert wanted
    assert len(client_of("cloudwatch", cloudformation_url).describe_alarms()["MetricAlarms"]) == wanted
