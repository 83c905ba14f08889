"""A queue of a broker, in the few words that the probes need."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

SUCCESS = "success"

PATIENCE_SECONDS = 60.0
"""How long is waited for what must come, on a machine that is busy with others. It decides nothing."""

UNNOTICED_SECONDS = 8.0
"""After so long a visibility timeout of a second has run out, also at a broker whose counts say so at a poll alone."""

POLL_SECONDS = 0.05

Message = dict[str, Any]


class Counts(NamedTuple):
    """The three counts of a queue."""

    visible: int
    hidden: int
    delayed: int


@dataclass(frozen=True)
class Queue:
    """One queue, by its URL."""

    sqs: Any
    url: str

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.attribute("QueueArn")

    def attribute(self, name: str) -> str:
        """One of its attributes."""
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return str(answer["Attributes"][name])

    def counts(self) -> Counts:
        """How many messages it has, as the broker says."""
        names = [f"ApproximateNumberOfMessages{suffix}" for suffix in ("", "NotVisible", "Delayed")]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return Counts(*(int(attributes[name]) for name in names))

    def send(self, body: str = "a message", **parameters: Any) -> None:
        """Send a message."""
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **parameters)

    def poll(self, hidden_seconds: int = 600, wait_seconds: int = 0) -> Message | None:
        """Receive a message with all that it has, if there is one."""
        answer = self.sqs.receive_message(
            QueueUrl=self.url,
            VisibilityTimeout=hidden_seconds,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            # By its earlier name, which some brokers know alone.
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[Message] = answer.get("Messages", [])
        return messages[0] if messages else None

    def receive(self, hidden_seconds: int = 600) -> Message:
        """Receive the message that is there or comes. Raises TimeoutError where none comes."""
        received: list[Message] = []

        def is_received() -> bool:
            received.extend(filter(None, [self.poll(hidden_seconds, wait_seconds=1)]))
            return bool(received)

        wait_until(is_received)
        return received[0]

    def receive_until_shown_again(self) -> Message:
        """Receive a message, and wait until its visibility timeout has run out."""
        message = self.receive(hidden_seconds=1)
        self.let_timeout_run_out()
        return message

    def let_timeout_run_out(self) -> bool:
        """Wait until a message that was hidden for a second is visible; return whether the queue's count says so."""
        return comes_true(lambda: self.counts().visible > 0, UNNOTICED_SECONDS)

    def change_visibility(self, message: Message, seconds: int) -> str:
        """Hide a received message for so long from now on; return what came of it."""
        parameters = {"ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": seconds}
        return outcome(lambda: self.sqs.change_message_visibility(QueueUrl=self.url, **parameters))

    def delete(self, message: Message) -> str:
        """Delete a message by the handle of this receive; return what came of it."""
        return outcome(lambda: self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"]))


def receive_count(message: Message) -> int:
    """How often it has been received, as the broker says."""
    return int(message["Attributes"]["ApproximateReceiveCount"])


def outcome(call: Callable[[], Any]) -> str:
    """Return "success", or the status and code with which SQS refused the call."""
    try:
        call()
    except ClientError as error:
        return refusal(error)
    return SUCCESS


def refusal(error: ClientError) -> str:
    """The status and the code of an error."""
    status = str(error.response["ResponseMetadata"]["HTTPStatusCode"])
    code = error.response["Error"]["Code"]
    # boto3 has the status in place of a code that is not told.
    return status if code == status else f"{status} {code}"


def wait_until(is_so: Callable[[], bool], patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Ask until it is so. Raises TimeoutError where it never is."""
    if not comes_true(is_so, patience_seconds):
        raise TimeoutError(f"not so within {patience_seconds:.0f} s")


def comes_true(is_so: Callable[[], bool], patience_seconds: float) -> bool:
    """Ask until it is so, or the time is over; return whether it is."""
    deadline = time.monotonic() + patience_seconds
    while not is_so():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
