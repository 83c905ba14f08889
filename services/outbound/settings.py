"""Which addresses requests made for users may reach."""

from typing import Annotated, Any

from pydantic import BeforeValidator, HttpUrl, PlainSerializer
from pydantic_settings import NoDecode

from services.outbound.targets import AllowedTarget, TargetPolicy, TargetRules, what_can_be_called
from services.settings import CommaSeparated, Settings


def _read_target(value: Any) -> Any:
    return AllowedTarget.parse(value) if isinstance(value, str) else value


class ExampleReceiverSettings(Settings):
    """Where whoever tries the API out hears callbacks."""

    example_receiver_url: HttpUrl = HttpUrl("http://localhost:9000/callback")
    """The callback that the documentation's examples are prefilled with."""


AllowedTargetText = Annotated[AllowedTarget, BeforeValidator(_read_target), PlainSerializer(str)]


class TargetSettings(ExampleReceiverSettings):
    """Which addresses requests made for users may reach."""

    allowed_private_targets: Annotated[list[AllowedTargetText], NoDecode, CommaSeparated] = []
    """The hosts, addresses and networks that requests made for users may reach although they are not public."""

    @property
    def target_policy(self) -> TargetPolicy:
        """What follows from it."""
        return TargetPolicy(self.allowed_private_targets)

    @property
    def target_rules(self) -> TargetRules:
        """How a request is checked that may be accepted."""
        policy = self.target_policy
        return TargetRules(policy, what_can_be_called(policy, str(self.example_receiver_url)))
