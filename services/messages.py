"""What stands in an SQS message: a task as it was accepted, or an outcome on its way to its callback."""

import base64
import binascii
import math
import re
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.errors import PermanentError
from services.outbound.target_url import UrlError, understood_url
from services.primitives import exact_json
from services.primitives.counts import read_count
from services.primitives.sqs_limits import LONGEST_DELAY_SECONDS, MAX_MESSAGE_BYTES
from services.queueing.dead_letter import MAX_REASON_BYTES, MAX_TRACE_BYTES
from services.queueing.provisioning import LEAST_MESSAGE_BYTES
from services.telemetry.redaction import without_secrets
from services.telemetry.trace_attributes import MAX_TRACESTATE_BYTES

VERSION = 1
COMPRESSED_VERSION = 2
"""The envelope's versions; 2 is an outcome whose body is compressed.

Each program reads all of its kind and writes the oldest that will do, so that old and new programs can work side by
side while a new release is rolled out. A reader refuses what it does not know, and the DLQ watcher reports it.
"""
_TASK_VERSIONS = (VERSION,)
_OUTCOME_VERSIONS = (VERSION, COMPRESSED_VERSION)

DELIVERY_ATTEMPTS_ATTRIBUTE = "delivery_attempts"
"""Beside an outcome on `callbacks`: how many delivery attempts were made before it came there."""

_TRACEPARENT_BYTES = 55
_MAX_SMALL_ATTRIBUTES_BYTES = 512
"""The number of attempts, the queue's name and the message group; and the names and types of all."""
_ATTRIBUTES_BYTES = (
    MAX_REASON_BYTES + MAX_TRACE_BYTES + _TRACEPARENT_BYTES + MAX_TRACESTATE_BYTES + _MAX_SMALL_ATTRIBUTES_BYTES
)
"""What may go beside a message when it is dead-lettered."""

MAX_OUTCOME_BYTES = 64 * 1024 * 1024
"""The most that a compressed outcome may hold: no message of a few bytes may fill the memory of its reader."""


def max_body_bytes(max_message_bytes: int) -> int:
    """Return the most that a message's body may take that is to fit, dead-lettered, into queues which take so much.

    One that takes less than these services can do with is said not to be as declared, and itself refuses what is
    larger.
    """
    return max(max_message_bytes, LEAST_MESSAGE_BYTES) - _ATTRIBUTES_BYTES


MAX_BODY_BYTES = max_body_bytes(MAX_MESSAGE_BYTES)
"""The most that it may take in any queue."""

# JSON may hold these two characters in strings, SQS may not; as escapes both take them.
_FORBIDDEN_IN_SQS = str.maketrans({"\ufffe": "\\ufffe", "\uffff": "\\uffff"})


# Each of our messages has it within its first fields.
_TASK_ID = re.compile(r'"task_id"\s*:\s*"([^"\\]+)"')
_TASK_ID_WITHIN = 300


class UnusableMessageError(PermanentError):
    """The message is none of ours, or none that this version can read: no further attempt can succeed."""


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """An accepted task."""

    task_id: str
    task_type: str
    callback_url: str
    """As the client wrote it, where it can be called so."""
    request: dict[str, Any]
    """The request as the client posted it; its numbers are exact."""
    accepted_at: float
    """Seconds since the epoch."""
    delay_seconds: int = 0
    """For so long after that it was not to be begun, as its client wanted."""


@dataclass(frozen=True, slots=True)
class OutcomeMessage:
    """An outcome and where it is to be delivered. `body` is what is sent, over all retries to the byte."""

    task_id: str
    task_type: str
    callback_url: str
    body: str
    accepted_at: float | None = None
    """When the task was accepted, in seconds since the epoch; None where the message does not say."""
    delay_seconds: int = 0
    """For so long after that the task was not to be begun, as its client wanted."""


def encode_task(task_id: str, task_type: str, request_text: str, delay_seconds: int = 0) -> str:
    """Return the SQS message body of a new task; `request_text` is the client's JSON, passed on untouched."""
    delay = f'"delay_seconds":{delay_seconds},' if delay_seconds else ""
    request = request_text if request_text.isascii() else request_text.translate(_FORBIDDEN_IN_SQS)
    return (
        f'{{"version":{VERSION},"task_id":"{task_id}","task_type":"{task_type}",'
        f'"accepted_at":{time.time():.3f},{delay}"request":{request}}}'
    )


def decode_task(body: str) -> TaskMessage:
    """Read a task from an SQS message body. Raises UnusableMessageError."""
    envelope = _open_envelope(body, _TASK_VERSIONS)
    try:
        request = envelope["request"]
        _ = request["message"]
        return TaskMessage(
            task_id=str(envelope["task_id"]),
            task_type=str(envelope["task_type"]),
            callback_url=understood_url(str(request["callback_url"])),
            request=request,
            accepted_at=float(envelope["accepted_at"]),
            delay_seconds=_delay_in(envelope) if "delay_seconds" in envelope else 0,
        )
    except UrlError as error:
        raise UnusableMessageError(f"the message has no usable callback_url: {error}") from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UnusableMessageError(f"the message is no task: {type(error).__name__} {error}") from error


def peek_task_id(body: str) -> str | None:
    """Return the task's id from the begin of a message body, which is not parsed; None where there is none."""
    found = _TASK_ID.search(body, 0, _TASK_ID_WITHIN)
    return found[1] if found else None


def encode_outcome(outcome: OutcomeMessage, most_bytes: int = MAX_BODY_BYTES) -> str:
    """Return the SQS message body of an outcome that is still to be delivered: compressed where it would take more."""
    envelope: dict[str, Any] = {
        "version": VERSION,
        "task_id": outcome.task_id,
        "task_type": outcome.task_type,
        "callback_url": outcome.callback_url,
    }
    if outcome.accepted_at is not None:
        envelope["accepted_at"] = outcome.accepted_at
    if outcome.delay_seconds:
        envelope["delay_seconds"] = outcome.delay_seconds
    text = exact_json.dumps({**envelope, "body": outcome.body})
    # It is ASCII, so characters are bytes.
    if len(text) <= most_bytes:
        return text
    compressed = base64.b64encode(zlib.compress(outcome.body.encode())).decode()
    return exact_json.dumps({**envelope, "version": COMPRESSED_VERSION, "compressed_body": compressed})


def decode_outcome(body: str) -> OutcomeMessage:
    """Read an outcome from an SQS message body. Raises UnusableMessageError."""
    envelope = _open_envelope(body, _OUTCOME_VERSIONS)
    try:
        if envelope["version"] == COMPRESSED_VERSION:
            envelope["body"] = _decompressed(envelope["compressed_body"])
        texts = {field: str(envelope[field]) for field in ("task_id", "task_type", "callback_url", "body")}
        accepted_at = envelope.get("accepted_at")
        seconds = math.nan if accepted_at is None else float(accepted_at)
        return OutcomeMessage(
            **texts,
            accepted_at=seconds if math.isfinite(seconds) else None,
            delay_seconds=_delay_in(envelope) if "delay_seconds" in envelope else 0,
        )
    except KeyError as error:
        raise UnusableMessageError(f"the message is no outcome: {error} is missing") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise UnusableMessageError(f"the message is no outcome: {error}") from error


def _delay_in(envelope: Mapping[str, Any]) -> int:
    seconds = float(envelope["delay_seconds"])
    if not 0 <= seconds <= LONGEST_DELAY_SECONDS:
        raise ValueError(f"its delay is {seconds} seconds, and SQS has {LONGEST_DELAY_SECONDS} at the most")
    return int(seconds)


def _decompressed(text: str) -> str:
    decompressor = zlib.decompressobj()
    try:
        body = decompressor.decompress(base64.b64decode(text, validate=True), MAX_OUTCOME_BYTES).decode()
    except (binascii.Error, zlib.error, TypeError, ValueError) as error:
        raise ValueError(f"its body cannot be decompressed: {error}") from error
    if not decompressor.eof:
        raise ValueError(f"its body is incomplete, or larger than {MAX_OUTCOME_BYTES} bytes")
    return body


def success_outcome(task: TaskMessage, results: list[dict[str, Any]], errors: list[dict[str, str]]) -> OutcomeMessage:
    """Return the outcome of a task that was done, failed items included.

    Raises TypeError, which names the item, for a result that JSON cannot carry.
    """
    try:
        return _outcome(task, {"results": results, "errors": errors, "task_id": task.task_id})
    except (TypeError, ValueError, RecursionError) as error:
        # It is a type that JSON has not.
        remedy = ": declare it as what `run` returns" if isinstance(error, TypeError) else ""
        raise TypeError(f"the result of the item {_first_unwritable(results)!r} is no JSON: {error}{remedy}") from error


def failure_outcome(task: TaskMessage, details: str) -> OutcomeMessage:
    """Return the outcome of a task that failed for good: the reason, and the original request."""
    errors = [{"details": without_secrets(details), "message": task.request}]
    return _outcome(task, {"results": [], "errors": errors, "task_id": task.task_id})


def _first_unwritable(results: list[dict[str, Any]]) -> str:
    """Return the name of the first item whose result JSON cannot carry: there is one."""
    for result in results:
        try:
            exact_json.dumps(result)
        except (TypeError, ValueError, RecursionError):
            break
    return next(iter(result))


def earlier_delivery_attempts(attributes: Mapping[str, str]) -> int:
    """Return how many delivery attempts were made of an outcome before it came to `callbacks`."""
    return read_count(attributes.get(DELIVERY_ATTEMPTS_ATTRIBUTE, "")) or 0


def _outcome(task: TaskMessage, body: dict[str, Any]) -> OutcomeMessage:
    text = exact_json.dumps(body)
    return OutcomeMessage(task.task_id, task.task_type, task.callback_url, text, task.accepted_at, task.delay_seconds)


def _open_envelope(body: str, readable_versions: Sequence[int]) -> dict[str, Any]:
    try:
        envelope = exact_json.loads(body, max_depth=exact_json.MAX_DEPTH + 1)
    except ValueError as error:
        raise UnusableMessageError(f"the message is no JSON: {error}") from error
    if not isinstance(envelope, dict):
        raise UnusableMessageError("the message is no JSON object")
    if envelope.get("version") not in readable_versions:
        known = " and ".join(map(str, readable_versions))
        raise UnusableMessageError(f"the message has version {envelope.get('version')!r}, this program reads {known}")
    return envelope
