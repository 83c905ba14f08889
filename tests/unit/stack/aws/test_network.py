"""Where in an account's network containers run."""

from collections.abc import Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.stub import Stubber

from stack.aws.network import network_parameters
from stack.errors import StackError

REFUSED = "PARAMETERS='VpcId=vpc-… SubnetIds=subnet-…,subnet-…'"


@pytest.fixture
def ec2() -> Any:
    return boto3.client("ec2", region_name="eu-central-1", config=Config(signature_version=UNSIGNED))


@pytest.fixture
def answers(ec2: Any) -> Iterator[Stubber]:
    """What EC2 answers, in this order; the requests must be those."""
    with Stubber(ec2) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def default_vpc(answers: Stubber, *vpcs: str) -> None:
    asked = {"Filters": [{"Name": "is-default", "Values": ["true"]}]}
    answers.add_response("describe_vpcs", {"Vpcs": [{"VpcId": vpc} for vpc in vpcs]}, asked)


def default_subnets(answers: Stubber, vpc: str, *subnets: str) -> None:
    asked = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default-for-az", "Values": ["true"]}]}
    answers.add_response("describe_subnets", {"Subnets": [{"SubnetId": subnet} for subnet in subnets]}, asked)


def test_where_nobody_says_it_they_run_in_the_default_vpc_in_every_zone(ec2: Any, answers: Stubber) -> None:
    default_vpc(answers, "vpc-1")
    default_subnets(answers, "vpc-1", "subnet-b", "subnet-a")

    assert network_parameters(ec2, {"QueueNamePrefix": "t-"}) == {"VpcId": "vpc-1", "SubnetIds": "subnet-a,subnet-b"}


@pytest.mark.usefixtures("answers")
def test_what_is_given_or_was_before_stays_and_ec2_is_not_asked(ec2: Any) -> None:
    assert network_parameters(ec2, {"VpcId": "vpc-2", "SubnetIds": "subnet-1,subnet-2"}) == {}


@pytest.mark.usefixtures("answers")
@pytest.mark.parametrize("given", ["VpcId", "SubnetIds"])
def test_a_vpc_and_its_subnets_are_given_together(given: str, ec2: Any) -> None:
    with pytest.raises(StackError, match=f"VpcId and SubnetIds go together: {REFUSED}"):
        network_parameters(ec2, {given: "1"})


def test_an_account_without_a_default_vpc_is_told_what_to_give(ec2: Any, answers: Stubber) -> None:
    default_vpc(answers)

    with pytest.raises(StackError, match=f"no default VPC in this region: say where the containers run, {REFUSED}"):
        network_parameters(ec2, {})


def test_a_default_vpc_of_one_zone_has_no_room_for_a_load_balancer(ec2: Any, answers: Stubber) -> None:
    default_vpc(answers, "vpc-1")
    default_subnets(answers, "vpc-1", "subnet-a")

    with pytest.raises(StackError, match=f"has 1 default subnets, and a load balancer needs 2: .*{REFUSED}"):
        network_parameters(ec2, {})
