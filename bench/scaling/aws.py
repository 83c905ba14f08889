"""What AWS charges for SQS, and what it limits. Its sources stand here, and in docs/scaling.md."""

import math

STANDARD_DOLLARS_PER_REQUEST = 0.40e-6
FIFO_DOLLARS_PER_REQUEST = 0.50e-6
"""In us-east-1, up to 100 billion (10^11) requests a month, after the first million, which is free.

https://aws.amazon.com/sqs/pricing/, as two reviews of that page give it:
https://cloudburn.io/blog/amazon-sqs-pricing (March 2026) and
https://www.factualminds.com/blog/amazon-sqs-pricing-64kb-rule-fifo-vs-standard/ (June 2026)."""

BILLED_CHUNK_BYTES = 65_536
"""Each 64 KB of a request's payload is billed as a request: https://aws.amazon.com/sqs/features/."""

MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 1_048_576
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html"""

MOST_IN_FLIGHT = 120_000
"""About so many messages of a standard queue may be received and not deleted; AWS raises it on request.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html"""

SECONDS_PER_MONTH = 365 * 86_400 / 12


def billed_requests(payload_bytes: int) -> int:
    """How many requests AWS bills for one request with so many bytes of messages, sent or received."""
    return max(1, math.ceil(payload_bytes / BILLED_CHUNK_BYTES))
