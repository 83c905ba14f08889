"""What SQS refuses, and what the codes of its answers mean."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

# What SQS says of a receipt handle that it does not take.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
_GONE_CODES = {"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"}


# What SQS, and what speaks as it does, says of a batch as a whole because of one of its entries, or because they are
# too much together. 413 is said by who stands before it.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
_CODES_OF_ENTRIES = _GONE_CODES | {
    "413",
    "BatchRequestTooLong",
    "InvalidAttributeValue",
    "InvalidIdFormat",
    "InvalidMessageContents",
    "InvalidParameterCombination",
    "MessageTooLong",
    "MissingParameter",
    "TooManyEntriesInBatchRequest",
    "UnsupportedOperation",
    "Validation",
    "ValidationError",
}


# What a single message is refused for where it is larger than its queue takes; by some with a code that says less.
_TOO_LARGE_CODES = {"413", "BatchRequestTooLong", "MessageTooLong"}
_TOO_LARGE = "Message must be shorter than"

# The code is the same where a message would be hidden for more than 12 hours in all.
_TOO_LONG = "Total VisibilityTimeout"


class SqsEntryError(Exception):
    """SQS refused one entry of a batch that it took otherwise.

    `is_final`: it will refuse that entry whenever it is asked, for the fault is the sender's.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
    """

    def __init__(self, code: str, text: str, *, is_final: bool = False) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.is_final = is_final


class UnusableBrokerError(Exception):
    """The broker does not say what these services rest on: the text says what, and what to do."""


class MessageGoneError(SqsEntryError):
    """The message is not in flight any more: it was deleted or purged, has expired, or SQS gives it to others again."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text, is_final=True)


def is_missing_queue(error: ClientError) -> bool:
    """Return whether SQS says that a queue does not exist: by its older code, or the newer of one that has none."""
    return error.response["Error"]["Code"].rpartition(".")[2] in {"NonExistentQueue", "QueueDoesNotExist"}


def refusal_of_entries(error: Exception) -> SqsEntryError | None:
    """Return what a batch was refused for as a whole that may be the fault of one entry, or of too many of them.

    None where it says nothing of the entries: who is throttled, denied or not heard is so with any of them.
    """
    if not isinstance(error, ClientError):
        return None
    said, status = error.response["Error"], error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or _plain(said["Code"]) not in _CODES_OF_ENTRIES:
        return None
    return SqsEntryError(said["Code"], said.get("Message", "no message"), is_final=True)


def _plain(code: str) -> str:
    """Return a code without what some put around it: AWS.SimpleQueueService.BatchRequestTooLong, …Exception."""
    return code.rpartition(".")[2].removesuffix("Exception")


def is_too_large(error: Exception) -> bool:
    """Return whether SQS refused a message because it is larger than its queue takes, whoever's fault it calls that."""
    return isinstance(error, SqsEntryError) and (_plain(error.code) in _TOO_LARGE_CODES or _TOO_LARGE in error.text)


def is_denied(error: ClientError) -> bool:
    """Return whether SQS answered that the caller may not do this."""
    return "AccessDenied" in error.response["Error"]["Code"]


def entry_errors(response: Any, count: int) -> list[Exception | None]:
    """Return each entry's error, in order. An entry that SQS says nothing of was not confirmed either."""
    errors: list[Exception | None] = [SqsEntryError("unconfirmed", "SQS says nothing of the entry")] * count
    for confirmed in response.get("Successful", []):
        errors[int(confirmed["Id"])] = None
    for failed in response.get("Failed", []):
        errors[int(failed["Id"])] = _entry_error(failed)
    return errors


def _entry_error(failed: Mapping[str, Any]) -> SqsEntryError:
    code = failed.get("Code", "unknown")
    # Who is throttled asks too much for now.
    is_final = failed.get("SenderFault", False) and "Throttl" not in code
    return SqsEntryError(code, failed.get("Message", "no message"), is_final=is_final)


def error_of_message(error: Exception | None) -> Exception | None:
    """Return an entry's error, a MessageGoneError where its message is gone, whoever's fault that is taken for."""
    if not isinstance(error, SqsEntryError):
        return error
    is_gone = _plain(error.code) in _GONE_CODES and _TOO_LONG not in error.text
    return MessageGoneError(error.code, error.text) if is_gone else error
