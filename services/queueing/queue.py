"""One queue of SQS: found by its name, and every call on messages made in batches."""

import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import structlog
from botocore.exceptions import ClientError

from services.primitives.counts import read_count
from services.primitives.sqs_limits import LONGEST_DELAY_SECONDS, MAX_RECEIVED_MESSAGES
from services.queueing.batcher import Batcher
from services.queueing.dead_letter import REASON_ATTRIBUTE, TRACE_ATTRIBUTE
from services.queueing.definition import QueueDefinition
from services.queueing.errors import (
    MessageGoneError,
    UnusableBrokerError,
    entry_errors,
    error_of_message,
    is_denied,
    is_missing_queue,
    refusal_of_entries,
)
from services.queueing.forwarding import fitting_attributes
from services.queueing.message import SYSTEM_ATTRIBUTES, ReceivedMessage, delayed_until_attribute
from services.queueing.message_reader import MessageReader, OnUnreadable, ignore_unreadable
from services.queueing.message_size import message_bytes, text_attributes
from services.queueing.provisioning import Disagreement, Provisioning, disagreements, read_provisioning
from services.telemetry import metrics, tracing
from services.telemetry.tracing import Destination, Span

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient
    from types_aiobotocore_sqs.type_defs import MessageAttributeValueOutputTypeDef

log = structlog.get_logger(__name__)


SETTLE_LINGER_SECONDS = 0.1
"""Where nobody waits for deletes and changes of visibility they gather until a batch is full, or for so long.

Deletes of a consumer whose messages may be worked again gather for longer:
see `ConsumerSettings.delete_linger_seconds`.
"""


SETTLING_BATCHERS = 3
"""Of each queue: those of deletes, of deletes after a last receive, and of changes of visibility."""

_STATE_ATTRIBUTES: Final = (
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)

ResultT = TypeVar("ResultT")
EntryT = TypeVar("EntryT")


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue as SQS counts it, which is eventually right."""

    arn: str
    messages: int
    """Those that a receive can get."""
    in_flight: int
    """Those that were received, and neither deleted nor given back yet."""
    delayed: int
    """Those that no receive can get before their delay is over."""
    created_at: float | None = None
    """When the queue was made, in seconds since the epoch; None where SQS does not say."""


class _Send(NamedTuple):
    body: str
    attributes: Mapping[str, "MessageAttributeValueOutputTypeDef"]
    delay_seconds: int
    message_group_id: str | None


@dataclass(frozen=True, slots=True)
class _ChangeVisibility:
    receipt_handle: str
    timeout_seconds: int


class Queue:
    """One queue. Its calls raise botocore's errors, or SqsEntryError for one entry of a batch."""

    def __init__(
        self,
        client: "SQSClient",
        definition: QueueDefinition,
        *,
        name_prefix: str = "",
        settles_at_once: bool = False,
        delete_linger_seconds: float = SETTLE_LINGER_SECONDS,
    ) -> None:
        """`settles_at_once`: somebody waits for deletes and changes of visibility, as for sends.

        `delete_linger_seconds`: how long a delete may wait for others, unless its message has no further receive: if
        its worker is lost meanwhile, it is reported as failed.
        """
        self.definition = definition
        self.name = f"{name_prefix}{definition.name}"
        self.destination = Destination(self.name, definition.name, str(client.meta.endpoint_url))
        self._name_prefix = name_prefix
        self._provisioning = Provisioning()
        self._reader = MessageReader(self.name)
        self._client = client
        self._url: str | None = None
        self._sends = Batcher(
            self._send_batch,
            size_of=lambda send: message_bytes(send.body, send.attributes, send.message_group_id),
            max_bytes=lambda: self._provisioning.max_message_bytes,
        )
        self._deletes = _settler(self._delete_batch, delete_linger_seconds, at_once=settles_at_once)
        self._deletes_after_last_receive = _settler(self._delete_batch, SETTLE_LINGER_SECONDS, at_once=settles_at_once)
        self._visibility_changes = _settler(
            self._change_visibility_batch, SETTLE_LINGER_SECONDS, at_once=settles_at_once
        )
        self._entries_sent, self._entries_deleted, self._entries_changed = (
            metrics.child(metrics.SQS_BATCH_ENTRIES, operation) for operation in ("send", "delete", "change_visibility")
        )

    @property
    def max_message_bytes(self) -> int:
        """The most that a message, or a batch of them, may hold, as the last `check` found it; until then SQS's own."""
        return self._provisioning.max_message_bytes

    @property
    def max_receives(self) -> int | None:
        """After how many receives SQS itself moves a message, as the last `check` found it; until then as declared.

        Where it never does, although it should, that is the declared number too: of its attempts at least.
        """
        return self._provisioning.max_receive_count or self.definition.max_attempts

    async def send(
        self,
        body: str,
        attributes: Mapping[str, str] | None = None,
        *,
        delay_seconds: float = 0,
        message_group_id: str | None = None,
    ) -> None:
        """Send a message and return when SQS has confirmed it. The delay is capped at SQS's 900 seconds."""
        delay = min(math.ceil(delay_seconds), LONGEST_DELAY_SECONDS)
        own = attributes or {}
        if delay:
            own = {**own, **delayed_until_attribute(delay)}
        with self._span(own, message_group_id) as span:
            await self._sends.submit(_Send(body, text_attributes({**own, **span.headers}), delay, message_group_id))

    async def forward(
        self, message: ReceivedMessage, attributes: Mapping[str, str] | None = None, *, without: Collection[str] = ()
    ) -> None:
        """Send a message that came from another queue with the attributes that it has, but for some, and with ours.

        It stays in its message group. What does not fit is left out (see forwarding.py).
        """
        own, group = attributes or {}, message.message_group_id
        kept = {name: value for name, value in message.typed_attributes.items() if name not in without}
        with self._span(own, group) as span:
            fitting = fitting_attributes(
                message.body, {**own, **span.headers}, kept, group, max_message_bytes=self.max_message_bytes
            )
            if fitting.left_out:
                log.warning("attributes that do not fit are left out", queue=self.name, attributes=fitting.left_out)
            await self._sends.submit(_Send(message.body, fitting.attributes, 0, group))

    def _span(self, own: Mapping[str, str], message_group_id: str | None) -> Span:
        reason, stack_trace = own.get(REASON_ATTRIBUTE), own.get(TRACE_ATTRIBUTE)
        return tracing.tracer.send_span(self.destination, reason, stack_trace, message_group_id)

    async def receive(
        self,
        most: int,
        *,
        wait_seconds: int,
        visibility_timeout_seconds: int,
        on_unreadable: OnUnreadable = ignore_unreadable,
    ) -> list[ReceivedMessage]:
        """Take up to `most` messages (10 at the most), waiting for the first one up to `wait_seconds`.

        What cannot be read is reported, and left to SQS: `on_unreadable` hears of it. Raises UnusableBrokerError (see
        message_reader.py).
        """
        response = await self._on_url(
            lambda url: self._client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(most, MAX_RECEIVED_MESSAGES),
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=visibility_timeout_seconds,
                MessageSystemAttributeNames=SYSTEM_ATTRIBUTES,
                MessageAttributeNames=["All"],
            )
        )
        date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        return self._reader.read(response.get("Messages", []), date, on_unreadable)

    async def delete(self, message: ReceivedMessage) -> None:
        """Acknowledge the message. Raises MessageGoneError."""
        most = self.max_receives
        is_last = most is not None and message.receive_count >= most
        await (self._deletes_after_last_receive if is_last else self._deletes).submit(message.receipt_handle)

    async def change_visibility(self, message: ReceivedMessage, timeout_seconds: int) -> None:
        """Hide the message for so long from now on; 0 shows it at once. Raises MessageGoneError."""
        await self._visibility_changes.submit(_ChangeVisibility(message.receipt_handle, timeout_seconds))

    async def give_back(self, receipt_handle: str) -> None:
        """Show at once the message of this receipt handle, which may be unreadable. Raises MessageGoneError."""
        await self._visibility_changes.submit(_ChangeVisibility(receipt_handle, 0))

    async def check(self) -> list[Disagreement]:
        """Ask the queue how it is provisioned, and return what is not as declared.

        It raises where the queue does not answer; UnusableBrokerError where the answer has no attributes.
        """
        self._provisioning = read_provisioning(await self._attributes())
        return list(disagreements(self.definition, self._provisioning, self._name_prefix))

    async def state(self) -> QueueState:
        """Ask the queue what it is and how much it holds. Raises UnusableBrokerError where the broker does not say."""
        attributes = await self._attributes()
        if missing := [name for name in _STATE_ATTRIBUTES if name not in attributes]:
            raise _without(self.name, ", ".join(missing))
        return QueueState(
            arn=attributes["QueueArn"],
            messages=int(attributes["ApproximateNumberOfMessages"]),
            in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
            delayed=int(attributes["ApproximateNumberOfMessagesDelayed"]),
            created_at=_created_at(attributes),
        )

    async def in_flight(self) -> int | None:
        """Ask how many messages were received, and neither deleted nor given back.

        None where the broker does not say, or not to this role. It raises where the queue does not answer.
        """
        try:
            attributes = await self._attributes()
        except UnusableBrokerError:
            return None
        except ClientError as error:
            if is_denied(error):
                return None
            raise
        return read_count(str(attributes.get("ApproximateNumberOfMessagesNotVisible", "")))

    async def created_at(self) -> float | None:
        """Ask when the queue was made, in seconds since the epoch; None where the broker gives other attributes alone.

        It raises where the queue does not answer; UnusableBrokerError where the answer has no attributes.
        """
        return _created_at(await self._attributes())

    async def _attributes(self) -> dict[str, str]:
        # All of them: an endpoint that is not AWS's may refuse to be asked for one that it does not have.
        response = await self._on_url(
            lambda url: self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        )
        if "Attributes" not in response:
            raise _without(self.name, "Attributes")
        return {str(name): value for name, value in response["Attributes"].items()}

    def settle_at_once(self) -> None:
        """From now on somebody waits for deletes and changes of visibility, as for sends."""
        self._deletes.be_eager()
        self._deletes_after_last_receive.be_eager()
        self._visibility_changes.be_eager()

    async def close(self) -> None:
        """Wait for the batches under way."""
        for batcher in (self._sends, self._deletes, self._deletes_after_last_receive, self._visibility_changes):
            await batcher.close()

    async def _on_url(self, call: Callable[[str], Awaitable[ResultT]]) -> ResultT:
        """Look the queue up by name where it is not known, and again where it is gone: a URL is never kept for good."""
        if self._url is None:
            self._url = (await self._client.get_queue_url(QueueName=self.name))["QueueUrl"]
        try:
            return await call(self._url)
        except ClientError as error:
            if is_missing_queue(error):
                self._url = None
            raise

    async def _send_batch(self, sends: Sequence[_Send]) -> list[Exception | None]:
        self._entries_sent.observe(len(sends))
        entries: list[Any] = [_send_entry(index, send) for index, send in enumerate(sends)]
        response = await self._on_url(lambda url: self._client.send_message_batch(QueueUrl=url, Entries=entries))
        return entry_errors(response, len(sends))

    async def _delete_batch(self, handles: Sequence[str]) -> list[Exception | None]:
        self._entries_deleted.observe(len(handles))
        entries: list[Any] = [{"Id": str(index), "ReceiptHandle": handle} for index, handle in enumerate(handles)]
        return await self._on_messages(
            lambda url: self._client.delete_message_batch(QueueUrl=url, Entries=entries), len(handles)
        )

    async def _change_visibility_batch(self, changes: Sequence[_ChangeVisibility]) -> list[Exception | None]:
        self._entries_changed.observe(len(changes))
        entries: list[Any] = [
            {"Id": str(index), "ReceiptHandle": change.receipt_handle, "VisibilityTimeout": change.timeout_seconds}
            for index, change in enumerate(changes)
        ]
        return await self._on_messages(
            lambda url: self._client.change_message_visibility_batch(QueueUrl=url, Entries=entries), len(changes)
        )

    async def _on_messages(self, call: Callable[[str], Awaitable[Any]], count: int) -> list[Exception | None]:
        """Make a call on messages in flight: gone where their queue is, and where SQS refuses a single one for that."""
        try:
            return [error_of_message(error) for error in entry_errors(await self._on_url(call), count)]
        except ClientError as error:
            if is_missing_queue(error):
                raise MessageGoneError(error.response["Error"]["Code"], "its queue is gone, it with it") from error
            if count == 1 and (refusal := refusal_of_entries(error)):
                return [error_of_message(refusal)]
            raise


def _without(queue: str, missing: str) -> UnusableBrokerError:
    return UnusableBrokerError(
        f"the broker's answer to GetQueueAttributes of {queue} has no {missing}:"
        " use a broker that gives what it is asked for"
    )


def _created_at(attributes: Mapping[str, str]) -> float | None:
    return float(attributes["CreatedTimestamp"]) if "CreatedTimestamp" in attributes else None


def _settler(
    send: Callable[[Sequence[EntryT]], Awaitable[Sequence[Exception | None]]], linger_seconds: float, *, at_once: bool
) -> Batcher[EntryT]:
    return Batcher(send) if at_once else Batcher(send, linger_seconds=linger_seconds, is_eager=False)


def _send_entry(index: int, send: _Send) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": str(index), "MessageBody": send.body, "DelaySeconds": send.delay_seconds}
    if send.attributes:
        entry["MessageAttributes"] = send.attributes
    if send.message_group_id is not None:
        entry["MessageGroupId"] = send.message_group_id
    return entry
