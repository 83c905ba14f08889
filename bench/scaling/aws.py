"""What AWS charges for SQS, Lambda and Fargate, and what it limits. Its sources stand here, and in the documents."""

import math

STANDARD_DOLLARS_PER_REQUEST = 0.40e-6
FIFO_DOLLARS_PER_REQUEST = 0.50e-6
"""In us-east-1, up to 100 billion (10^11) requests a month, after the first million, which is free.

https://aws.amazon.com/sqs/pricing/, as two reviews of that page give it:
https://cloudburn.io/blog/amazon-sqs-pricing (March 2026) and
https://www.factualminds.com/blog/amazon-sqs-pricing-64kb-rule-fifo-vs-standard/ (June 2026)."""

LAMBDA_DOLLARS_PER_INVOCATION = 0.20e-6
LAMBDA_DOLLARS_PER_GB_SECOND = 0.0000166667
"""In us-east-1 on x86_64, up to 6 billion GB-seconds a month; arm64 is a fifth less. The free tier is left out.

https://aws.amazon.com/lambda/pricing/, as AWS's whitepaper gives it (rounded),
https://docs.aws.amazon.com/whitepapers/latest/how-aws-pricing-works/lambda.html, and a review of that page of 2024,
https://cloudchipr.com/blog/aws-lambda-pricing."""

FARGATE_DOLLARS_PER_VCPU_HOUR = 0.04048
FARGATE_DOLLARS_PER_GB_HOUR = 0.004445
"""In us-east-1, Linux on x86_64; arm64 is a fifth less.

https://aws.amazon.com/fargate/pricing/, as two reviews of that page give it:
https://www.wring.co/blog/aws-fargate-pricing-guide (March 2026) and
https://www.factualminds.com/blog/amazon-fargate-ecs-task-pricing-2026/ (June 2026)."""

ALARM_DOLLARS_PER_MONTH = 0.10
FREE_ALARMS = 10
"""Of an alarm on one metric, https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm; the first ten of an account are
free, https://aws.amazon.com/cloudwatch/pricing/."""

MB_OF_A_CORE = 1769
"""The memory with which a function has the time of one vCPU: with less it has its share of that.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""

IDLE_POLLERS = 5
"""Of an event source mapping with a maximum concurrency. Without one Lambda may go down to 2.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"""

IDLE_POLL_SECONDS = 20
"""The wait of each of its long polls. AWS does not say it: users count 15 empty receives a minute of an idle queue,
https://github.com/getlift/lift/issues/132."""

BILLED_CHUNK_BYTES = 65_536
"""Each 64 KB of a request's payload is billed as a request: https://aws.amazon.com/sqs/features/."""

MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 1_048_576
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html"""

MOST_IN_FLIGHT = 120_000
"""About so many messages of a standard queue may be received and not deleted; AWS raises it on request.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html"""

SECONDS_PER_MONTH = 365 * 86_400 / 12
HOURS_PER_MONTH = SECONDS_PER_MONTH / 3600


def billed_requests(payload_bytes: int) -> int:
    """How many requests AWS bills for one request with so many bytes of messages, sent or received."""
    return max(1, math.ceil(payload_bytes / BILLED_CHUNK_BYTES))
