#!/bin/sh
# moto's CloudFormation leaves AWS::NoValue in a list as null, and the stack cannot be created.
#
# Version: moto==5.2.5 (its server), boto3==1.44.8
# Expected: an entry of a list that an Fn::If makes AWS::NoValue is not there, as CloudFormation documents for
#   AWS::NoValue: a queue has its one tag, a security group its one rule.
# Behaviour: the entry is null. The queue and the security group answer HTTP 500 with an HTML page, which boto3 cannot
#   parse; a template that is right, and deploys on AWS, looks broken. Without the condition both are created.
# Seen on 2026-11-29:
#   a queue without the condition: CREATE_COMPLETE
#   a queue with it: ResponseParserError
#   a security group without the condition: CREATE_COMPLETE
#   a security group with it: ResponseParserError
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq 'moto[server]==5.2.5' boto3==1.44.8
no_proxy='*' timeout 90 venv/bin/python - 2>/dev/null <<'PYTHON'
import json
import logging
import sys

import boto3
from botocore.config import Config
from botocore.parsers import ResponseParserError
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
cloudformation = boto3.client(
    "cloudformation",
    endpoint_url=f"http://{host}:{port}",
    region_name="eu-west-1",
    aws_access_key_id="none",
    aws_secret_access_key="none",
    config=Config(retries={"total_max_attempts": 1}),
)


def if_wanted(entry):
    return {"Fn::If": ["Wanted", entry, {"Ref": "AWS::NoValue"}]}


def rule(number):
    return {"IpProtocol": "tcp", "FromPort": number, "ToPort": number, "CidrIp": "10.0.0.0/8"}


def outcome(name, kind, properties):
    resource = {"Type": kind, "Properties": properties}
    conditions = {"Wanted": {"Fn::Equals": ["yes", "no"]}}
    body = json.dumps({"Conditions": conditions, "Resources": {"Resource": resource}})
    try:
        cloudformation.create_stack(StackName=name, TemplateBody=body)
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except ResponseParserError:
        return "ResponseParserError"


def queue(name, tags):
    return outcome(name, "AWS::SQS::Queue", {"QueueName": name, "Tags": tags})


def group(name, rules):
    return outcome(name, "AWS::EC2::SecurityGroup", {"GroupDescription": name, "SecurityGroupIngress": rules})


one, other = {"Key": "team", "Value": "one"}, {"Key": "cost", "Value": "other"}
seen = {
    "a queue without the condition": queue("queue-a", [one]),
    "a queue with it": queue("queue-b", [one, if_wanted(other)]),
    "a security group without the condition": group("group-a", [rule(80)]),
    "a security group with it": group("group-b", [rule(80), if_wanted(rule(443))]),
}
for what, came in seen.items():
    print(f"{what}: {came}")
server.stop()
sys.exit(list(seen.values()) != ["CREATE_COMPLETE", "ResponseParserError"] * 2)
PYTHON
