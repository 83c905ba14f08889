"""The queues as CloudFormation makes them from aws/queues.yaml are those that LocalStack's hook makes."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest

from stack.aws.generated_files import QUEUES_TEMPLATE
from stack.interpreter import environment_beside
from tests.integration.conftest import QUEUES_JSON, running_localstack

QUEUES = [queue["name"] for queue in json.loads(QUEUES_JSON)["queues"]]
PREFIX = "by-template-"

# What says when a queue was made and what is in it, and not what it is.
OF_THE_MOMENT = re.compile(r"ApproximateNumberOfMessages.*|CreatedTimestamp|LastModifiedTimestamp")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A LocalStack that has CloudFormation, which the one of all other tests has not, and the queues of its hook."""
    directory = tmp_path_factory.mktemp("localstack-cloudformation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALSTACK_PYTHON", str(environment_beside("localstack-functions") / "bin" / "python"))
        settings = {"SERVICES": "sqs,cloudformation,cloudwatch,sts"}
        with running_localstack(directory, settings=settings) as (url, readiness):
            assert readiness.verdict == "ready", readiness.reason
            yield url


def client_of(service: str, endpoint: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  # LocalStack takes any
    )


@pytest.fixture(scope="module")
def stack(endpoint: str) -> str:
    """The name of a stack that is made of the template as it is."""
    cloudformation = client_of("cloudformation", endpoint)
    cloudformation.create_stack(
        StackName="queues",
        TemplateBody=QUEUES_TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": "QueueNamePrefix", "ParameterValue": PREFIX}],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="queues", WaiterConfig={"Delay": 1})
    return "queues"


def attributes(endpoint: str, name: str) -> dict[str, Any]:
    """What a queue is, its policies as JSON."""
    sqs = client_of("sqs", endpoint)
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
def test_a_queue_is_the_same_whoever_makes_it(endpoint: str, queue: str) -> None:
    by_hook = attributes(endpoint, queue)

    assert {"VisibilityTimeout", "MessageRetentionPeriod", "MaximumMessageSize", "RedriveAllowPolicy"} <= by_hook.keys()
    assert without_prefix(attributes(endpoint, PREFIX + queue)) == by_hook


def test_the_stack_has_no_other_queue(endpoint: str, stack: str) -> None:
    resources = client_of("cloudformation", endpoint).describe_stack_resources(StackName=stack)["StackResources"]
    made = [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == "AWS::SQS::Queue"]
    assert sorted(url.rpartition("/")[2] for url in made) == sorted(PREFIX + queue for queue in QUEUES)


@pytest.mark.usefixtures("stack")
def test_there_is_an_alarm_for_each_of_the_template(endpoint: str) -> None:
    wanted = QUEUES_TEMPLATE.read_text().count("Type: AWS::CloudWatch::Alarm")
    assert wanted
    assert len(client_of("cloudwatch", endpoint).describe_alarms()["MetricAlarms"]) == wanted
