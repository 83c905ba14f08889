"""What a function URL takes of the function behind it."""

import json
from typing import Any

LARGEST_ANSWER_BYTES = 6_291_456
"""What a function may answer at the most: 6 MB. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def bounded(answer: Any) -> Any:
    """Return an answer in place of one that Lambda would refuse, with a 502 that says nothing."""
    size = len(json.dumps(answer, ensure_ascii=False).encode())
    if size <= LARGEST_ANSWER_BYTES:
        return answer
    detail = f"The answer has {size:,} bytes, and a function's may have {LARGEST_ANSWER_BYTES:,}: ask for less by limit"
    return {
        "statusCode": 500,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"detail": detail}),
        "isBase64Encoded": False,
    }
