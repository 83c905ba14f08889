"""`TARGET=receiver`: the receiver as a function of AWS Lambda, a stack of its own, for a first try."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from services.delivery.settings import DeliverySettings
from stack.aws.functions_target import PackagedFunctions
from stack.aws.functions_template import CODE
from stack.aws.receiver_template import INBOX_URL_OUTPUT, RECEIVER_URL_OUTPUT, receiver_template
from stack.aws.target import Services
from stack.aws.user_settings import CALLBACK_SIGNING_SECRET, read_settings


@dataclass(frozen=True)
class ReceiverFunction(PackagedFunctions):
    """The receiver behind a URL of its own."""

    template_file: ClassVar[str] = "receiver.yaml"

    def secret_settings(self, services: Services) -> tuple[str, ...]:  # noqa: ARG002  # as the protocol has it
        """Return the one by which it verifies signatures."""
        return (CALLBACK_SIGNING_SECRET,)

    def check(self, services: Services, stack: str) -> None:
        """Raise `StackError` where the function could not have its name or its Python."""
        self._check_names(self.template(services, CODE), stack)

    def require_secrets(self, secrets: Mapping[str, str], services: Services) -> None:  # noqa: ARG002  # as the protocol has it
        """Raise `StackError` where no callback could be signed with the secret. Without one it verifies nothing."""
        read_settings(DeliverySettings, {}, secrets)

    def template(self, services: Services, artefact: str) -> dict[str, Any]:  # noqa: ARG002  # as the protocol has it
        """Return the template of a package that has this path."""
        return receiver_template(artefact)

    def addresses(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """Return what a task has as its callback_url, and where the inbox is, with the token that reads it."""
        return {
            "callback_url": f"{outputs.get(RECEIVER_URL_OUTPUT, '')}callback",
            "inbox": outputs.get(INBOX_URL_OUTPUT, ""),
        }

    def welcome(self, stack: str, outputs: Mapping[str, str], services: Services, endpoint: str) -> list[str]:  # noqa: ARG002  # as the protocol has it
        """Return both addresses."""
        addresses = self.addresses(outputs)
        return [
            f"{stack} is deployed. Give tasks this callback_url: {addresses['callback_url']}",
            f"What comes is shown, for as long as its function lives, at {addresses['inbox']}",
        ]
