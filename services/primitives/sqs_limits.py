"""The numbers of SQS's own, each with its source."""

import re

MAX_MESSAGE_BYTES = 1_048_576
"""The most that a message, or a batch of them, may hold: body and attributes together.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""

MAX_ATTRIBUTES = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html"""

NOT_IN_SQS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""A character that SQS does not take in bodies and attributes.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""

LONGEST_MESSAGE_GROUP_ID = 128
MESSAGE_GROUP_ID_CHARACTERS = "!-~"
"""Of a MessageGroupId, as a range of a regular expression: alphanumeric characters and punctuation, which are all that
is visible of ASCII. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""

MAX_BATCH_ENTRIES = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html"""

MAX_RECEIVED_MESSAGES = 10
LONGEST_WAIT_TIME_SECONDS = 20
"""Of one receive.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html"""

LONGEST_VISIBILITY_TIMEOUT_SECONDS = 43_200
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html"""

MAX_IN_FLIGHT = 120_000
"""Messages of one queue that are received, and neither deleted nor shown again yet: a receive gets no more then.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""

LONGEST_DELAY_SECONDS = 900
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""

LONGEST_RETENTION_SECONDS = 14 * 86_400
MAX_RECEIVE_COUNT = 1000
"""Of a queue, and of its redrive policy.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"""

MAX_LISTED_QUEUES = 1000
"""Of one page; SQS gives the token of a next page only where the request says how long a page may be.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html"""


def attribute_text(text: str, max_bytes: int) -> str:
    """Return the text as a message attribute can hold it: no character that SQS refuses, not empty, not too long."""
    clean = NOT_IN_SQS.sub("\ufffd", text) or "unknown"
    return clean.encode()[:max_bytes].decode(errors="ignore")
