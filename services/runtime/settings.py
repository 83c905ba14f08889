"""What every service reads from its environment."""

import math
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.delivery.settings import DeliverySettings
from services.outbound.settings import TargetSettings
from services.queueing.settings import QueueSettings
from services.queueing.timing import SETTLE_SECONDS
from services.settings import Port
from services.task_types.settings import TaskTypeSettings

ANSWER_SECONDS = 0.5
"""How long before the end of an invocation the answer of a function is due."""

LONGEST_FUNCTION_SECONDS = 900
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"""


class ServiceSettings(QueueSettings, TaskTypeSettings):
    """What every service reads."""

    health_host: str = "127.0.0.1"
    health_port: Port = 8081
    """Where a service reports, to those who operate it, how it does and what it is doing."""


class ConsumingServiceSettings(ServiceSettings, DeliverySettings, TargetSettings):
    """What a service that consumes queues reads."""

    @property
    def longest_attempt_seconds(self) -> float:
        """How long an attempt at a message may take."""
        return self.longest_delivery_seconds

    @property
    def needs_of_attempt(self) -> str:
        """Say how long an attempt may take, and by which settings."""
        return f"an attempt may take {self.longest_attempt_seconds:g} seconds (CALLBACK_TIMEOUT_SECONDS for each try)"


def needed_function_seconds(longest_attempt_seconds: float) -> int:
    """Return the timeout that a function needs so that no attempt is cut short, and each one settled."""
    return math.ceil(longest_attempt_seconds + SETTLE_SECONDS + ANSWER_SECONDS)


class FunctionSettings(ConsumingServiceSettings):
    """What a function reads besides that queues trigger."""

    function_timeout_seconds: Annotated[int, Field(ge=1, le=LONGEST_FUNCTION_SECONDS)]
    """Its timeout, of which Lambda itself says nothing before the first invocation."""

    @model_validator(mode="after")
    def _fits_its_timeouts(self) -> Self:
        needed = needed_function_seconds(self.longest_attempt_seconds)
        if needed > self.function_timeout_seconds:
            raise ValueError(
                f"FUNCTION_TIMEOUT_SECONDS ({self.function_timeout_seconds}) must be at least"
                f" {needed}: {self.needs_of_attempt}, and {SETTLE_SECONDS + ANSWER_SECONDS:g}"
                " seconds to settle it"
            )
        if self.visibility_timeout_seconds < self.function_timeout_seconds:
            raise ValueError(
                f"VISIBILITY_TIMEOUT_SECONDS ({self.visibility_timeout_seconds}) must be at least"
                f" FUNCTION_TIMEOUT_SECONDS ({self.function_timeout_seconds}),"
                " else a message returns to its queue while it is being worked"
            )
        return self
