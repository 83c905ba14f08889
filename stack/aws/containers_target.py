"""`TARGET=containers`: the services in containers on ECS with Fargate, from the project's image."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from stack.aws.account import Account
from stack.aws.containers_template import API_URL_OUTPUT, IMAGE_PARAMETER, MACHINE_PARAMETER, containers_template
from stack.aws.first_task import welcome_to_services
from stack.aws.images import Image, build_image, image_uri, push_image, require_repository_name
from stack.aws.network import network_parameters
from stack.aws.target import Services, queue_name_prefix, require_secrets_of_services
from stack.aws.user_settings import secret_settings
from stack.config import Machine
from stack.terminal import OnProgress

_WITHOUT_ENCRYPTION = """\
It speaks HTTP, so that who is on the way reads keys and tasks. For HTTPS have a certificate of ACM for a name of yours:
PARAMETERS='CertificateArn=arn:…'"""

_WITH_CERTIFICATE = """\
Its certificate is for a name of yours: let that lead to the host above (by a CNAME record), and use it instead."""

_ECS_ROLE = "AWSServiceRoleForECS"


@dataclass(frozen=True)
class Containers:
    """The services, each a service of ECS, and the API behind a load balancer."""

    machine: Machine

    template_file: ClassVar[str] = "containers.yaml"
    decided_parameters: ClassVar[tuple[str, ...]] = (IMAGE_PARAMETER, MACHINE_PARAMETER)

    def secret_settings(self, services: Services) -> tuple[str, ...]:
        """Return those of the services, and of the task types."""
        return secret_settings(services.task_types)

    def check(self, services: Services, stack: str) -> None:
        """Raise `StackError` where a service could not start, or a queue or the image's repository have its name."""
        require_repository_name(stack)
        queue_name_prefix(stack, services.environment, {})
        self.template(services, "")

    def require_secrets(self, secrets: Mapping[str, str], services: Services) -> None:
        """Raise as `require_secrets_of_services` does."""
        require_secrets_of_services(secrets, services)

    def build(self, services: Services, directory: Path, on_progress: OnProgress) -> str:  # noqa: ARG002  # as the protocol has it
        """Return the id of the image."""
        return build_image(self.machine, on_progress).id

    def template(self, services: Services, artefact: str) -> dict[str, Any]:  # noqa: ARG002  # a parameter has its name
        """Return the template."""
        return containers_template(services.task_types, services.environment)

    def publish(self, account: Account, stack: str, artefact: str, on_progress: OnProgress) -> None:
        """Push the image, and let ECS have its role: in an account that has never had ECS it is not there yet."""
        _provide_role(account.client("iam"))
        push_image(account.client("ecr"), stack, Image(artefact), on_progress)

    def parameters(self, account: Account, stack: str, artefact: str, known: Mapping[str, str]) -> dict[str, str]:
        """Return the image's name, its machine, and where in the account's network the containers are."""
        return {
            IMAGE_PARAMETER: image_uri(account.client("ecr"), stack, Image(artefact)),
            MACHINE_PARAMETER: self.machine.upper(),
            **network_parameters(account.client("ec2"), known),
        }

    def addresses(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """Return the API's URL."""
        return {"api": outputs.get(API_URL_OUTPUT, "")}

    def welcome(self, stack: str, outputs: Mapping[str, str], services: Services, endpoint: str) -> list[str]:
        """Return where the API is, how to try it, and what is to be done for its encryption."""
        url = self.addresses(outputs)["api"]
        encryption = _WITH_CERTIFICATE if url.startswith("https:") else _WITHOUT_ENCRYPTION
        first, *others = welcome_to_services(stack, url, services, endpoint)
        return [first, encryption, *others]


def _provide_role(iam: Any) -> None:
    """Make the role by which ECS attaches networks and load balancers, where the account has none.

    ECS makes it by itself too, and the services that come right after it fail.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
    """
    try:
        iam.get_role(RoleName=_ECS_ROLE)
    except iam.exceptions.NoSuchEntityException:
        iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
