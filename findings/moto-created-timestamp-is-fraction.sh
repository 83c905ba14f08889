#!/bin/sh
# moto's SQS gives the times of a queue with a fraction, which int() does not take.
#
# Version: moto==5.2.5, boto3==1.44.8
# Expected: CreatedTimestamp and LastModifiedTimestamp are whole seconds, as all numbers among a queue's attributes are:
#   "the time when the queue was created in seconds (epoch time)". So int() reads them, as it reads the others.
# Behaviour: they have decimals, and int() raises ValueError. Code that is right fails under moto alone; that which
#   was written against moto, with float(), is right by luck.
# Seen on 2026-11-30:
#   of 10 attributes that are numbers, int() refuses: CreatedTimestamp LastModifiedTimestamp
#   CreatedTimestamp looks like 0.0
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq moto==5.2.5 boto3==1.44.8
timeout 90 venv/bin/python - <<'PYTHON'
import re
import sys

import boto3
from moto import mock_aws


def is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


def is_refused(text):
    try:
        int(text)
        return False
    except ValueError:
        return True


with mock_aws():
    sqs = boto3.client("sqs", region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")
    url = sqs.create_queue(QueueName="finding")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
numbers = {name: text for name, text in attributes.items() if is_number(text)}
refused = sorted(name for name, text in numbers.items() if is_refused(text))
shape = re.sub("[0-9]+", "0", attributes["CreatedTimestamp"])
print(f"of {len(numbers)} attributes that are numbers, int() refuses:", *refused)
print(f"CreatedTimestamp looks like {shape}")
sys.exit(refused != ["CreatedTimestamp", "LastModifiedTimestamp"])
PYTHON
