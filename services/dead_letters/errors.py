"""What stops a command: one clear line."""

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004

from services.queueing.errors import SqsEntryError, UnusableBrokerError

BROKER_ERRORS = (BotoCoreError, ClientError, SqsEntryError, UnusableBrokerError)


class DlqError(Exception):
    """A command cannot go on. Its text is one line that says what to do."""

    exit_code = 1


class UsageError(DlqError):
    """A command does not say what to do, or says two things at once."""

    exit_code = 2


class InterruptionError(DlqError):
    """A person has stopped the command with Ctrl-C."""

    exit_code = 130


class NotOneMessageError(DlqError):
    """An id is that of no message, or of more than one."""


def of_broker(error: Exception) -> DlqError:
    """Return the line for an error of SQS, or on the way to it."""
    match error:
        case ConnectionError() | HTTPClientError():
            return DlqError(
                "SQS does not answer: is the stack up (`make up`), and AWS_ENDPOINT_URL_SQS or AWS_ENDPOINT_URL right?"
                f" {error}"
            )
        case ClientError():
            details = error.response["Error"]
            return DlqError(f"SQS refused {error.operation_name}: {details.get('Code')}: {details.get('Message')}")
        case _:
            return DlqError(f"SQS cannot be used: {error}")


def of_missing_queue(name: str, endpoint_url: str) -> DlqError:
    """Return the line for a queue that is not there."""
    return DlqError(
        f"There is no queue {name} at {endpoint_url}: are QUEUE_NAME_PREFIX, TASK_PACKAGES and AWS_DEFAULT_REGION"
        " those of the services?"
    )
