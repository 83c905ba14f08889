"""What the API reads from its environment."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from services.outbound.settings import TargetSettings
from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from services.runtime.settings import ServiceSettings
from services.settings import ApiKeys, Port, Seconds
from services.task_types.settings import TaskTypeSettings


class ValidationSettings(TaskTypeSettings, TargetSettings):
    """What a request is validated by."""


class ApiSettings(ServiceSettings, ValidationSettings):
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


class ApiFunctionSettings(ApiSettings):
    """The settings of an API that is a function."""

    @model_validator(mode="after")
    def _is_not_open_to_everybody(self) -> Self:
        if not self.api_keys and self.sqs_endpoint_url is None:
            raise ValueError("API_KEYS must be set: the function's URL is public")
        return self
