"""Where the queues are, and how they are consumed."""

from typing import Annotated, Self

from pydantic import Field, HttpUrl, model_validator

from services.primitives.sqs_limits import LONGEST_VISIBILITY_TIMEOUT_SECONDS, LONGEST_WAIT_TIME_SECONDS
from services.settings import NonNegativeSeconds, Seconds, Settings

QUEUE_NAME_PREFIX_PATTERN = "^[A-Za-z0-9_-]{0,24}$"
"""What may go before each queue's name: it leaves room for the name in the 80 characters that SQS allows."""

_LONGEST_DELETE_LINGER_SECONDS = 2.0
"""It fills batches of ten from 5 tasks a second on. Below that a longer one saves cents a month, and what a worker did
meanwhile is done again if it is killed: nine tasks at the most, as ten deletes go at once."""

_LINGER_PART = 10
"""A delete waits for at most this part of the time for which its message stays hidden: the rest is for its requests."""


class QueueSettings(Settings):
    """Where the queues are and what they are called."""

    aws_endpoint_url: HttpUrl | None = None
    """Any endpoint that speaks SQS; unset, it is AWS."""
    aws_endpoint_url_sqs: HttpUrl | None = None
    """The same, for SQS alone."""
    queue_name_prefix: Annotated[str, Field(pattern=QUEUE_NAME_PREFIX_PATTERN)] = ""
    """Goes before each queue's name, so that several stacks can share an account."""
    sqs_direct_calls: bool = True
    """Whether the calls that every task makes go to SQS past the SDK's machinery, which costs three times theirs."""
    metrics_enabled: bool = True
    """Whether it measures what it does."""

    @property
    def sqs_endpoint_url(self) -> str | None:
        """The endpoint that is set, in the order of AWS's SDKs: the one for SQS, then the one for all services.

        None: what AWS's configuration file says, or AWS itself.
        https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
        """
        endpoint = self.aws_endpoint_url_sqs or self.aws_endpoint_url
        return str(endpoint) if endpoint else None


class ConsumerSettings(QueueSettings):
    """How a queue is consumed."""

    worker_concurrency: Annotated[int, Field(ge=1, le=1000)] = 50
    """Messages worked at a time by one process."""
    sqs_wait_time_seconds: Annotated[int, Field(ge=1, le=LONGEST_WAIT_TIME_SECONDS)] = 20
    """How long a long poll waits for a message."""
    visibility_timeout_seconds: Annotated[int, Field(ge=2, le=LONGEST_VISIBILITY_TIMEOUT_SECONDS)] = 60
    """How long a message stays hidden after its worker's last sign of life."""
    heartbeat_seconds: Seconds = 20
    """How often the visibility of the messages in flight is extended."""
    drain_timeout_seconds: NonNegativeSeconds = 20
    """How long a stopping process may finish what it has in flight."""

    @property
    def delete_linger_seconds(self) -> float:
        """How long a delete may wait for others to share its request."""
        # Its message had its last sign of life an interval of the heartbeat ago at the most.
        hidden_seconds = self.visibility_timeout_seconds - self.heartbeat_seconds
        return min(_LONGEST_DELETE_LINGER_SECONDS, hidden_seconds / _LINGER_PART)

    @model_validator(mode="after")
    def _heartbeat_beats_visibility(self) -> Self:
        if self.heartbeat_seconds >= self.visibility_timeout_seconds:
            raise ValueError(
                f"HEARTBEAT_SECONDS ({self.heartbeat_seconds:g}) must be less than"
                f" VISIBILITY_TIMEOUT_SECONDS ({self.visibility_timeout_seconds}),"
                " else a message returns to its queue while it is being worked"
            )
        return self
