"""SQS as the services use it: one client per process, queues looked up by name, every call on messages in batches."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import aioboto3
import structlog
from aiobotocore.config import AioConfig
from botocore.exceptions import ClientError

from services.messages import sent_at_of
from services.primitives.proxies import goes_directly
from services.queueing.batcher import Batcher
from services.queueing.forwarding import as_text, attribute_bytes, attributes_beside, utf8_bytes
from services.queueing.provisioning import Disagreement, Provisioning, disagreements, read_provisioning
from services.queues import QueueDefinition
from services.settings import USER_AGENT, BrokerSettings
from services.sqs_limits import LONGEST_DELAY_SECONDS, MAX_MESSAGE_BYTES, MAX_RECEIVED_MESSAGES
from services.telemetry import metrics, tracing

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient
    from types_aiobotocore_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

log = structlog.get_logger(__name__)

# A long poll holds its connection, so the pool is larger than the polls of one process and its calls together.
_POOL_CONNECTIONS = 64
_CONNECT_TIMEOUT_SECONDS = 2
_READ_TIMEOUT_SECONDS = 10

SETTLE_LINGER_SECONDS = 0.1
"""Nobody waits for deletes and changes of visibility, so they gather until a batch is full, or for so long."""

_SYSTEM_ATTRIBUTES: Final = (
    "ApproximateReceiveCount",
    "SentTimestamp",
    "ApproximateFirstReceiveTimestamp",
    "DeadLetterQueueSourceArn",
)

# What SQS says of a receipt handle that it does not take.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
_GONE_CODES = {"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"}
# The code is the same where a message would be hidden for more than 12 hours in all.
_TOO_LONG = "Total VisibilityTimeout"

ResultT = TypeVar("ResultT")
EntryT = TypeVar("EntryT")


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


class MessageGoneError(SqsEntryError):
    """The message is not in hand any more: it was deleted or purged, has expired, or SQS gives it to others again."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text, is_final=True)


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
    """When the queue was made, in seconds since the epoch; None where SQS does not tell."""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message as SQS gave it."""

    message_id: str
    body: str
    receipt_handle: str
    receive_count: int
    """1 on the first receive."""
    sent_at: float
    """When it came to its queue, in seconds since the epoch: where it was restored, before that."""
    attributes: Mapping[str, str]
    first_received_at: float = 0
    """Seconds since the epoch: the same at each further receive, another one once the message was redriven."""
    dead_letter_source_arn: str | None = None
    """The queue from which SQS itself moved the message by its redrive policy; None where nobody or a program did."""
    typed_attributes: Mapping[str, "MessageAttributeValueOutputTypeDef"] = field(default_factory=dict)
    """The attributes as SQS gives and takes them; a foreign message may have some that are no text."""
    date: str = ""
    """When SQS gave it: the `Date` of that answer (RFC 9110, section 6.6.1); empty where it has none."""


@dataclass(frozen=True, slots=True)
class _Send:
    body: str
    attributes: Mapping[str, "MessageAttributeValueOutputTypeDef"]
    delay_seconds: int


@dataclass(frozen=True, slots=True)
class _ChangeVisibility:
    receipt_handle: str
    timeout_seconds: int


@asynccontextmanager
async def open_sqs(settings: BrokerSettings, *, longest_wait_seconds: float = 0) -> AsyncIterator["SQSClient"]:
    """Open a client for the configured endpoint.

    `longest_wait_seconds` is the longest poll it will make: a read may take that much longer.
    """
    config = AioConfig(
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=_READ_TIMEOUT_SECONDS + longest_wait_seconds,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=_POOL_CONNECTIONS,
        # Each takes its part of a call's CPU: our calls are typed, and botocore would put its name together every time.
        parameter_validation=False,
        user_agent=USER_AGENT,
    )
    session = aioboto3.Session()
    url = settings.sqs_endpoint_url or await _url_found_by_sdk(session)
    if goes_directly(url):
        config = config.merge(AioConfig(proxies={}))
    async with session.client("sqs", endpoint_url=settings.sqs_endpoint_url, config=config) as client:
        if settings.metrics_enabled:
            client.meta.events.register("request-created.sqs", metrics.count_request)
        yield client


async def _url_found_by_sdk(session: aioboto3.Session) -> str:
    """Return where SQS is by the SDK's configuration file, else AWS's own endpoint."""
    async with session.client("sqs") as client:
        return str(client.meta.endpoint_url)


async def resolve_endpoint(settings: BrokerSettings) -> str:
    """Return where SQS is, as a client finds it: no request is made."""
    async with open_sqs(settings) as client:
        return str(client.meta.endpoint_url)


class Queue:
    """One queue. Its calls raise botocore's errors, or SqsEntryError for one entry of a batch."""

    def __init__(self, client: "SQSClient", definition: QueueDefinition, *, name_prefix: str = "") -> None:
        self.definition = definition
        self.name = f"{name_prefix}{definition.name}"
        self._name_prefix = name_prefix
        self._provisioning = Provisioning()
        self._client = client
        self._url: str | None = None
        self._sends = Batcher(self._send_batch, size_of=_size_of, max_bytes=MAX_MESSAGE_BYTES)
        self._deletes = _patient(self._delete_batch)
        self._visibility_changes = _patient(self._change_visibility_batch)
        self._entries_sent, self._entries_deleted, self._entries_changed = (
            metrics.child(metrics.SQS_BATCH_ENTRIES, operation) for operation in ("send", "delete", "change_visibility")
        )

    @property
    def endpoint_url(self) -> str:
        """Where SQS is."""
        return str(self._client.meta.endpoint_url)

    @property
    def max_receives(self) -> int | None:
        """After how many receives SQS itself moves a message, as the last `check` found it; until then as declared.

        Where it never does, although it should, that is the declared number too: of its attempts at least.
        """
        return self._provisioning.max_receive_count or self.definition.max_attempts

    async def send(self, body: str, attributes: Mapping[str, str] | None = None, *, delay_seconds: float = 0) -> None:
        """Send a message and return when SQS has confirmed it. The delay is capped at SQS's 900 seconds."""
        delay = min(math.ceil(delay_seconds), LONGEST_DELAY_SECONDS)
        own = attributes or {}
        with tracing.tracer.send(self, own) as span:
            await self._sends.submit(_Send(body, as_text({**own, **span.headers}), delay))

    async def forward(
        self, message: ReceivedMessage, attributes: Mapping[str, str] | None = None, *, without: Collection[str] = ()
    ) -> None:
        """Send a message that came from another queue with the attributes that it has, but for some, and with ours.

        What does not fit is left out (see forwarding.py).
        """
        own = attributes or {}
        kept = {name: value for name, value in message.typed_attributes.items() if name not in without}
        with tracing.tracer.send(self, own) as span:
            beside = attributes_beside(message.body, {**own, **span.headers}, kept)
            if beside.left_out:
                log.warning("attributes that do not fit are left out", queue=self.name, attributes=beside.left_out)
            await self._sends.submit(_Send(message.body, beside.attributes, 0))

    async def receive(self, most: int, *, wait_seconds: int, visibility_timeout_seconds: int) -> list[ReceivedMessage]:
        """Take up to `most` messages (10 at the most), waiting for the first one as long as told."""
        response = await self._on_url(
            lambda url: self._client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(most, MAX_RECEIVED_MESSAGES),
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=visibility_timeout_seconds,
                MessageSystemAttributeNames=_SYSTEM_ATTRIBUTES,
                MessageAttributeNames=["All"],
            )
        )
        date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        return [_received(message, date) for message in response.get("Messages", [])]

    async def delete(self, message: ReceivedMessage) -> None:
        """Acknowledge the message. Raises MessageGoneError."""
        await self._deletes.submit(message.receipt_handle)

    async def change_visibility(self, message: ReceivedMessage, timeout_seconds: int) -> None:
        """Hide the message for so long from now on; 0 shows it at once. Raises MessageGoneError."""
        await self._visibility_changes.submit(_ChangeVisibility(message.receipt_handle, timeout_seconds))

    async def check(self) -> list[Disagreement]:
        """Ask the queue how it is provisioned, and return what is not as declared; raises where it does not answer."""
        # All of them: an endpoint that is not AWS's may refuse to be asked for one that it does not have.
        response = await self._on_url(
            lambda url: self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        )
        self._provisioning = read_provisioning({str(name): value for name, value in response["Attributes"].items()})
        return list(disagreements(self.definition, self._provisioning, self._name_prefix))

    async def state(self) -> QueueState:
        """Ask the queue what it is and how much it holds."""
        response = await self._on_url(
            lambda url: self._client.get_queue_attributes(
                QueueUrl=url,
                AttributeNames=[
                    "QueueArn",
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                    "ApproximateNumberOfMessagesDelayed",
                    "CreatedTimestamp",
                ],
            )
        )
        attributes = response["Attributes"]
        return QueueState(
            arn=attributes["QueueArn"],
            messages=int(attributes["ApproximateNumberOfMessages"]),
            in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
            delayed=int(attributes["ApproximateNumberOfMessagesDelayed"]),
            created_at=float(attributes["CreatedTimestamp"]) if "CreatedTimestamp" in attributes else None,
        )

    async def close(self) -> None:
        """Wait for the batches under way."""
        for batcher in (self._sends, self._deletes, self._visibility_changes):
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
        return _entry_errors(response, len(sends))

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
        """Make a call on messages in hand, which are gone where their queue is."""
        try:
            return [_of_message(error) for error in _entry_errors(await self._on_url(call), count)]
        except ClientError as error:
            if is_missing_queue(error):
                raise MessageGoneError(error.response["Error"]["Code"], "its queue is gone, it with it") from error
            raise


class Queues:
    """All queues of the stack, by the names of their definitions."""

    def __init__(self, client: "SQSClient", definitions: Mapping[str, QueueDefinition], *, name_prefix: str) -> None:
        self.name_prefix = name_prefix
        self._queues = {
            name: Queue(client, definition, name_prefix=name_prefix) for name, definition in definitions.items()
        }

    def __getitem__(self, name: str) -> Queue:
        return self._queues[name]

    def __iter__(self) -> Iterator[Queue]:
        return iter(self._queues.values())

    def dead_letter_queue_of(self, queue: Queue) -> Queue:
        """Return where the queue's consumer sends what it gives up on. Raises KeyError where there is none."""
        return self._queues[queue.definition.dead_letter_queue or ""]

    async def close(self) -> None:
        """Wait for the batches under way on every queue."""
        for queue in self._queues.values():
            await queue.close()


def is_missing_queue(error: ClientError) -> bool:
    """Tell whether SQS says that a queue does not exist: by its older code, or the newer of one that has none."""
    return error.response["Error"]["Code"].rpartition(".")[2] in {"NonExistentQueue", "QueueDoesNotExist"}


def is_denied(error: ClientError) -> bool:
    """Tell whether SQS answered that the caller may not do this."""
    return "AccessDenied" in error.response["Error"]["Code"]


def _patient(send: Callable[[Sequence[EntryT]], Awaitable[Sequence[Exception | None]]]) -> Batcher[EntryT]:
    return Batcher(send, linger_seconds=SETTLE_LINGER_SECONDS, is_eager=False)


def message_bytes(body: str, attributes: Mapping[str, str] | None = None) -> int:
    """Return what SQS counts of a message: the UTF-8 of its body, and of its attributes' names, types and values."""
    return _size_of(_Send(body, as_text(attributes or {}), 0))


def _send_entry(index: int, send: _Send) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": str(index), "MessageBody": send.body, "DelaySeconds": send.delay_seconds}
    if send.attributes:
        entry["MessageAttributes"] = send.attributes
    return entry


def _size_of(send: _Send) -> int:
    return utf8_bytes(send.body) + sum(attribute_bytes(name, each) for name, each in send.attributes.items())


def _received(message: "MessageTypeDef", date: str) -> ReceivedMessage:
    system = message["Attributes"]
    typed_attributes = message.get("MessageAttributes", {})
    attributes = {name: attribute.get("StringValue", "") for name, attribute in typed_attributes.items()}
    return ReceivedMessage(
        message_id=message["MessageId"],
        body=message["Body"],
        receipt_handle=message["ReceiptHandle"],
        receive_count=int(system["ApproximateReceiveCount"]),
        sent_at=sent_at_of(attributes, int(system["SentTimestamp"])),
        attributes=attributes,
        first_received_at=int(system["ApproximateFirstReceiveTimestamp"]) / 1000,
        dead_letter_source_arn=system.get("DeadLetterQueueSourceArn"),
        typed_attributes=typed_attributes,
        date=date,
    )


def _entry_errors(response: Any, count: int) -> list[Exception | None]:
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


def _of_message(error: Exception | None) -> Exception | None:
    """Tell of an entry's error whether its message is gone, whoever's fault the endpoint takes that for."""
    if not isinstance(error, SqsEntryError):
        return error
    code = error.code.rpartition(".")[2].removesuffix("Exception")
    is_gone = code in _GONE_CODES and _TOO_LONG not in error.text
    return MessageGoneError(error.code, error.text) if is_gone else error
