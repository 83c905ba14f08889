"""The settings: read from the environment, and `.env` where there is one; refused at boot where they cannot work."""

import base64
import os
import sys
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.sqs_limits import LONGEST_VISIBILITY_TIMEOUT_SECONDS, LONGEST_WAIT_TIME_SECONDS, MAX_MESSAGE_BYTES
from services.telemetry.redaction import hide_secrets_of

SettingsT = TypeVar("SettingsT", bound=BaseSettings)

USER_AGENT = "async-tasks/1"
"""By this name the services make their requests."""

MOST_CALLBACK_RETRIES = 7
"""The waits that `CALLBACK_RETRY_SCHEDULE_SECONDS` may have, and so the max attempts of the queue `callbacks`."""

LONGEST_ALERT_WINDOW_SECONDS = 3600
"""A longer one would hide failures rather than group them, and SQS lets a message be held for 12 hours only."""
SHORTEST_API_KEY = 16


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def split_secrets(secrets: SecretStr | None) -> list[str]:
    """Return the secrets of a setting that may hold several, parted by comma or space, while one is rotated."""
    return secrets.get_secret_value().replace(",", " ").split() if secrets else []


def _signing_secrets(secrets: SecretStr) -> SecretStr:
    """Check Standard Webhooks secrets: `whsec_` and base64 of 24 to 64 bytes (specification, "Signature scheme")."""
    for secret in split_secrets(secrets):
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            key = b""
        if not 24 <= len(key) <= 64:  # noqa: PLR2004  # the specification's numbers, used once
            raise ValueError("a secret is whsec_ followed by the base64 of 24 to 64 random bytes")
    return secrets


def _api_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if len(text) < SHORTEST_API_KEY or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"each key has at least {SHORTEST_API_KEY} visible ASCII characters")
    return key


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """A service, and where all its instances are asked: a host that has several addresses is as many."""

    name: str
    url: str

    @classmethod
    def parse(cls, text: str) -> "ServiceAddress":
        """Read `name=http://host:port`. Raises ValueError for anything else."""
        name, _, url = text.partition("=")
        address = urlsplit(url)
        try:
            is_complete = bool(name and address.scheme == "http" and address.hostname and address.port)
        except ValueError:  # of a port that is no number
            is_complete = False
        if not is_complete or address.path.strip("/") or address.query or address.fragment or address.username:
            raise ValueError(f"{text!r} is not name=http://host:port, such as api=http://127.0.0.1:8081")
        return cls(name, url.rstrip("/"))


def _service_address(value: Any) -> Any:
    return ServiceAddress.parse(value) if isinstance(value, str) else value


Seconds = Annotated[float, Field(gt=0, le=LONGEST_VISIBILITY_TIMEOUT_SECONDS, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65_535)]
NonNegativeSeconds = Annotated[float, Field(ge=0, le=LONGEST_VISIBILITY_TIMEOUT_SECONDS, allow_inf_nan=False)]
ApiKey = Annotated[SecretStr, AfterValidator(_api_key)]
CommaSeparated = BeforeValidator(_split)
ApiKeys = Annotated[Annotated[list[ApiKey], Field(min_length=1)] | None, NoDecode, CommaSeparated]


class Settings(BaseSettings):
    """What every program reads."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8-sig", extra="ignore", env_ignore_empty=True, frozen=True
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"


class BrokerSettings(Settings):
    """Where the queues are and what they are called."""

    aws_endpoint_url: HttpUrl | None = None
    """Any endpoint that speaks SQS; unset, it is AWS."""
    aws_endpoint_url_sqs: HttpUrl | None = None
    """The same, for SQS alone."""
    queue_name_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,24}$")] = ""
    """Goes before each queue's name, so that several stacks can share an account."""
    task_packages: Annotated[list[str], NoDecode, CommaSeparated, Field(min_length=1)] = ["services.tasks"]
    """The packages whose modules are searched for task types."""

    health_host: str = "127.0.0.1"
    health_port: Port = 8081
    """Where a service tells, to those who operate it, how it does and what it is doing."""
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


class ExampleReceiverSettings(Settings):
    """Where whoever tries the API out hears callbacks."""

    example_receiver_url: HttpUrl = HttpUrl("http://localhost:9000/callback")
    """The callback that the documentation's examples are prefilled with."""


class ApiSettings(BrokerSettings, ExampleReceiverSettings):
    """The API's settings."""

    api_host: str = "127.0.0.1"
    api_port: Port = 8000
    enqueue_timeout_seconds: Seconds = 5
    """How long a request may wait for SQS before it is answered 500."""
    enqueue_max_pending: Annotated[int, Field(ge=1)] = 1000
    """How many requests may be under way between the client and SQS; one more is answered 503."""
    enqueue_max_pending_bytes: Annotated[int, Field(ge=MAX_MESSAGE_BYTES)] = 32 * MAX_MESSAGE_BYTES
    """How many bytes their bodies may have together."""
    api_keys: ApiKeys = None
    """Those who submit a task must send one of these; several, while one is replaced by another."""


class ConsumerSettings(BrokerSettings):
    """What the worker and the DLQ watcher share: how they receive, and how they deliver callbacks."""

    worker_concurrency: Annotated[int, Field(ge=1, le=1000)] = 50
    """Messages worked at a time by one process."""
    sqs_wait_time_seconds: Annotated[int, Field(ge=1, le=LONGEST_WAIT_TIME_SECONDS)] = 20
    """How long a long poll waits for a message."""
    visibility_timeout_seconds: Annotated[int, Field(ge=2, le=LONGEST_VISIBILITY_TIMEOUT_SECONDS)] = 60
    """How long a message stays hidden after its worker's last sign of life."""
    heartbeat_seconds: Seconds = 20
    """How often the visibility of the messages in hand is extended."""
    drain_timeout_seconds: NonNegativeSeconds = 20
    """How long a stopping process may finish what it has in hand."""

    callback_signing_secret: Annotated[SecretStr, AfterValidator(_signing_secrets)] | None = None
    """Several, parted by comma or space, while one is rotated: each callback is then signed with all of them."""
    callback_connect_timeout_seconds: Seconds = 5
    callback_read_timeout_seconds: Seconds = 10
    """How long a receiver may be silent."""
    callback_timeout_seconds: Seconds = 15
    """The whole time that one delivery attempt may take."""
    callback_host_concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Delivery attempts under way to one host; unset, nine tenths of `worker_concurrency`."""
    callback_in_place_retry_seconds: Annotated[list[NonNegativeSeconds], NoDecode, CommaSeparated] = [0.2, 1]
    """The waits between the first delivery attempts, made at once by who has the outcome in hand."""
    callback_retry_schedule_seconds: Annotated[
        list[NonNegativeSeconds], NoDecode, CommaSeparated, Field(min_length=1, max_length=MOST_CALLBACK_RETRIES)
    ] = [5, 300, 1800, 7200, 18_000, 36_000, 36_000]
    """The waits before each delivery attempt made from the queue `callbacks`."""

    @property
    def signing_secrets(self) -> list[str]:
        """Every secret that callbacks are signed with."""
        return split_secrets(self.callback_signing_secret)

    @property
    def callback_slots_per_host(self) -> int:
        """How many slots one host may take, so that the others always have some."""
        return self.callback_host_concurrency or max(1, self.worker_concurrency * 9 // 10)

    @model_validator(mode="after")
    def _heartbeat_beats_visibility(self) -> Self:
        if self.heartbeat_seconds >= self.visibility_timeout_seconds:
            raise ValueError(
                f"HEARTBEAT_SECONDS ({self.heartbeat_seconds:g}) must be less than"
                f" VISIBILITY_TIMEOUT_SECONDS ({self.visibility_timeout_seconds}),"
                " else a message returns to its queue while it is being worked"
            )
        return self


class WorkerSettings(ConsumerSettings):
    """The worker's settings."""

    task_delay_seconds: NonNegativeSeconds = 0
    """An artificial wait before each task, to watch the queue at work."""
    task_timeout_seconds: Seconds = 300
    """How long one attempt at a task may run; longer, it has failed."""


class WatcherSettings(ConsumerSettings):
    """The DLQ watcher's settings."""

    slack_bot_token: SecretStr | None = None
    """Unset, alerts go to the log."""
    slack_channel: str | None = None
    slack_api_url: HttpUrl | None = None
    """Where Slack's Web API is; unset, it is Slack itself."""
    alert_window_seconds: Annotated[float, Field(gt=0, le=LONGEST_ALERT_WINDOW_SECONDS, allow_inf_nan=False)] = 60
    """A first few alerts in it are posted one by one, the others gathered and posted as one when it ends."""

    @model_validator(mode="after")
    def _token_needs_channel(self) -> Self:
        if self.slack_bot_token and not self.slack_channel:
            raise ValueError("SLACK_CHANNEL must name a channel where SLACK_BOT_TOKEN is set")
        return self


class ConsoleSettings(BrokerSettings):
    """The console's settings."""

    console_host: str = "127.0.0.1"
    console_port: Port = 8080
    console_enabled: bool = False
    """Must be true where the queues are AWS's: else it does not start there."""
    console_allowed_hosts: Annotated[list[str], NoDecode, CommaSeparated] = []
    """Names besides those of loopback by which browsers may call it."""
    console_sample_seconds: Annotated[float, Field(ge=0.5, le=60, allow_inf_nan=False)] = 5
    """How often it looks at the queues and the services."""
    console_services: Annotated[
        list[Annotated[ServiceAddress, BeforeValidator(_service_address)]], NoDecode, CommaSeparated
    ] = []
    """The services that it asks for what they do, as `name=http://host:port` of their health endpoints."""
    console_api_url: HttpUrl = HttpUrl("http://localhost:8000")
    """Where it submits tasks."""
    console_api_docs_url: HttpUrl | None = None
    """The API's documentation as a browser reaches it; unset, `/docs` of `console_api_url`."""
    console_inbox_url: HttpUrl | None = None
    """A page that shows the callbacks, as a browser reaches it."""
    api_keys: ApiKeys = None
    """It submits tasks with the first of these."""

    @property
    def api_url(self) -> str:
        """The API's URL, without a slash."""
        return str(self.console_api_url).rstrip("/")

    @property
    def api_docs_url(self) -> str:
        """Where a person reads the API's documentation."""
        return str(self.console_api_docs_url or f"{self.api_url}/docs")


def load_settings(settings_class: type[SettingsT]) -> SettingsT:
    """Read the settings, or end the program with one line for each setting that cannot work.

    Their secrets are hidden before anything can log them.
    """
    try:
        settings = settings_class()
    except ValidationError as error:
        refuse_to_start(*(_line(details) for details in error.errors()))
    hide_secrets_of(settings)
    return settings


def refuse_to_start(*lines: str) -> NoReturn:
    """Print the lines to standard error and exit with EX_CONFIG (sysexits.h)."""
    for line in lines:
        sys.stderr.write(f"cannot start: {line}\n")
    raise SystemExit(os.EX_CONFIG)


def _line(details: Any) -> str:
    message = details["msg"].removeprefix("Value error, ")
    if not details["loc"]:
        return str(message)
    setting = ".".join(str(part) for part in details["loc"]).upper()
    return f"{setting}: {message}"
