"""Where in an account's network the containers run, where nobody has said it: in the VPC that AWS makes with it.

https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html
"""

from collections.abc import Mapping
from typing import Any

from stack.errors import StackError

VPC_PARAMETER = "VpcId"
SUBNETS_PARAMETER = "SubnetIds"

_FEWEST_ZONES = 2
"""Of a load balancer.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html"""

_EXAMPLE = f"PARAMETERS='{VPC_PARAMETER}=vpc-… {SUBNETS_PARAMETER}=subnet-…,subnet-…'"


def network_parameters(ec2: Any, known: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of the network that are not known yet: those of the default VPC and its public subnets.

    `known`: the parameters that are given, or that the stack has. Raises `StackError` where one of the two is given
    alone, or there is no such VPC, or it has too few zones.
    """
    names = {VPC_PARAMETER, SUBNETS_PARAMETER}
    if names <= known.keys():
        return {}
    if names & known.keys():
        raise StackError(f"{VPC_PARAMETER} and {SUBNETS_PARAMETER} go together: {_EXAMPLE}.")
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise StackError(f"The account has no default VPC in this region: say where the containers run, {_EXAMPLE}.")
    vpc = vpcs[0]["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default-for-az", "Values": ["true"]}]
    subnets = ec2.describe_subnets(Filters=filters)["Subnets"]
    # One for each zone there is at most.
    if len(subnets) < _FEWEST_ZONES:
        raise StackError(
            f"The default VPC {vpc} has {len(subnets)} default subnets, and a load balancer needs {_FEWEST_ZONES}:"
            f" say where the containers run, {_EXAMPLE}."
        )
    return {VPC_PARAMETER: vpc, SUBNETS_PARAMETER: ",".join(sorted(each["SubnetId"] for each in subnets))}
