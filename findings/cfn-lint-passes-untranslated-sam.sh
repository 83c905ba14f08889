#!/bin/sh
# cfn-lint finds nothing wrong in a SAM template with what Lambda refuses, and finds it in the same one translated by SAM.
#
# Version: cfn-lint==1.58.0, aws-sam-translator==1.115.0
# Expected: cfn-lint, which reads SAM's templates (it reports a misspelt property of AWS::Serverless::Function), finds in
#   them what it finds in CloudFormation's: an event source that may run one batch at a time, where two are the least
#   (E3034), and a queue whose visibility timeout is below its function's timeout (E3505).
# Behaviour: the template passes without a word. Translated by aws-sam-translator, as CloudFormation does it when it
#   deploys, the same template has both faults.
# Seen on 2026-11-29, CPython 3.11.7:
#   as it is: nothing
#   translated: E3034 E3505
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq cfn-lint==1.58.0 aws-sam-translator==1.115.0
cat >template.json <<'JSON'
{
  "AWSTemplateFormatVersion": "2010-09-09",
  "Transform": "AWS::Serverless-2016-10-31",
  "Resources": {
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 10}},
    "Role": {
      "Type": "AWS::IAM::Role",
      "Properties": {
        "AssumeRolePolicyDocument": {
          "Version": "2012-10-17",
          "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
          ]
        }
      }
    },
    "Function": {
      "Type": "AWS::Serverless::Function",
      "Properties": {
        "Runtime": "python3.13",
        "Handler": "module.handler",
        "CodeUri": "s3://bucket/code.zip",
        "Timeout": 60,
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Events": {
          "Queue": {
            "Type": "SQS",
            "Properties": {
              "Queue": {"Fn::GetAtt": ["Queue", "Arn"]},
              "BatchSize": 10,
              "ScalingConfig": {"MaximumConcurrency": 1}
            }
          }
        }
      }
    }
  }
}
JSON
cat >translate.py <<'PYTHON'
import json

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

with open("template.json") as file:
    template = json.load(file)
translated = Translator({}, Parser()).translate(template, {})
with open("translated.json", "w") as file:
    json.dump(translated, file)
PYTHON
faults() {
  { timeout 120 venv/bin/cfn-lint --format parseable "$1" || :; } | sed -n 's/.*:\(E[0-9]*\):.*/\1/p' | sort -u | tr '\n' ' ' | sed 's/ $//'
}
as_it_is=$(faults template.json)
AWS_DEFAULT_REGION=eu-west-1 timeout 60 venv/bin/python translate.py
translated=$(faults translated.json)
echo "as it is: ${as_it_is:-nothing}"
echo "translated: $translated"
[ "$as_it_is/$translated" = "/E3034 E3505" ]
