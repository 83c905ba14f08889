"""How callbacks are delivered."""

import base64
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import NoDecode

from services.queueing.settings import ConsumerSettings
from services.queueing.timing import JITTER
from services.queues import MOST_CALLBACK_RETRIES
from services.settings import CommaSeparated, NonNegativeSeconds, Seconds


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


class DeliverySettings(ConsumerSettings):
    """How who consumes a queue delivers callbacks."""

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
    """The waits between the first delivery attempts, made at once where the outcome came to be."""
    callback_retry_schedule_seconds: Annotated[
        list[NonNegativeSeconds], NoDecode, CommaSeparated, Field(min_length=1, max_length=MOST_CALLBACK_RETRIES)
    ] = [5, 300, 1800, 7200, 18_000, 36_000, 36_000]
    """The waits before each delivery attempt made from the queue `callbacks`."""

    @property
    def longest_delivery_seconds(self) -> float:
        """How long it may take until an outcome is delivered in place, or is not."""
        waits = self.callback_in_place_retry_seconds
        return (1 + len(waits)) * self.callback_timeout_seconds + sum(waits) * (1 + JITTER)

    @property
    def signing_secrets(self) -> list[str]:
        """Every secret that callbacks are signed with."""
        return split_secrets(self.callback_signing_secret)

    @property
    def callback_slots_per_host(self) -> int:
        """How many slots one host may take, so that the others always have some."""
        return self.callback_host_concurrency or max(1, self.worker_concurrency * 9 // 10)
