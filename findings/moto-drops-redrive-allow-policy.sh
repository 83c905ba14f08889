#!/bin/sh
# moto's SQS takes a queue's RedriveAllowPolicy, forgets it, and calls it unknown when it is asked for.
#
# Version: moto==5.2.5, boto3==1.44.8
# Expected: RedriveAllowPolicy, by which a DLQ says whose dead letters it takes, is kept and given again, as the other
#   attributes that CreateQueue and SetQueueAttributes document are; one that is not known is refused when it is set.
# Behaviour: setting it succeeds. Afterwards it is not among "All", and asking for it by name raises
#   InvalidAttributeName, which it does not for RedrivePolicy. A tool that sets what differs, and looks again, never
#   ends; a test that a DLQ has its policy cannot be written.
# Seen on 2026-11-30:
#   CreateQueue: success, then among All: False, by name: InvalidAttributeName
#   SetQueueAttributes: success, then among All: False, by name: InvalidAttributeName
#   RedrivePolicy, to compare: among All: True, by name: success
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq moto==5.2.5 boto3==1.44.8
timeout 90 venv/bin/python - <<'PYTHON'
import json
import sys

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

with mock_aws():
    sqs = boto3.client("sqs", region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")

    def attribute_is_there(url, name):
        return name in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    def by_name(url, name):
        try:
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
            return "success"
        except ClientError as error:
            return error.response["Error"]["Code"]

    def read(url, name):
        return attribute_is_there(url, name), by_name(url, name)

    policy = {"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})}
    created = sqs.create_queue(QueueName="created", Attributes=policy)["QueueUrl"]
    changed = sqs.create_queue(QueueName="changed")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=changed, Attributes=policy)
    arn = sqs.get_queue_attributes(QueueUrl=created, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})}
    source = sqs.create_queue(QueueName="source", Attributes=redrive)["QueueUrl"]
    seen = [read(created, "RedriveAllowPolicy"), read(changed, "RedriveAllowPolicy"), read(source, "RedrivePolicy")]
print("CreateQueue: success, then among All: {}, by name: {}".format(*seen[0]))
print("SetQueueAttributes: success, then among All: {}, by name: {}".format(*seen[1]))
print("RedrivePolicy, to compare: among All: {}, by name: {}".format(*seen[2]))
sys.exit(seen != [(False, "InvalidAttributeName")] * 2 + [(True, "success")])
PYTHON
