"""Where a program logs to, in a template.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
"""

from stack.aws.cloudformation import Resource

_RETENTION_PARAMETER = "LogRetentionDays"

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTIONS_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

LOG_PARAMETERS: Resource = {
    _RETENTION_PARAMETER: {
        "Type": "Number",
        "Default": 30,
        "AllowedValues": [*_RETENTIONS_DAYS],
        "Description": "Days that logs are kept.",
    },
}


def log_group(name: str) -> Resource:
    """Return the log group of that name, in which what is `${…}` is replaced."""
    return {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": {"Fn::Sub": name}, "RetentionInDays": {"Ref": _RETENTION_PARAMETER}},
    }
