"""The project's image: built here by Docker, and pushed to a repository of AWS's registry, ECR, that a stack has.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-push-ecr-image.html
"""

import base64
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stack.aws.deployed_stack import TAG
from stack.config import PROJECT, ROOT, Machine
from stack.errors import StackError
from stack.image_build import build, docker, require_dockerfile, stack_image_option
from stack.terminal import OnProgress

_PLATFORMS: dict[Machine, str] = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
"""https://docs.docker.com/build/building/multi-platform"""

# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
_REPOSITORY_NAME = re.compile(r"(?=.{2,256}$)[a-z0-9]+([._-][a-z0-9]+)*")

_KEPT_IMAGES = 10

_LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "Each version of the services pushes one.",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": _KEPT_IMAGES},
            "action": {"type": "expire"},
        }
    ]
}
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html"""

_ID_CHARACTERS = 16


@dataclass(frozen=True)
class Image:
    """An image that this machine's engine has."""

    id: str
    """Of its content: `sha256:` and 64 hexadecimal digits. The same content has the same one."""

    @property
    def tag(self) -> str:
        """By which it is known in the registry: another content, another tag."""
        return self.id.rpartition(":")[2][:_ID_CHARACTERS]


def require_repository_name(stack: str) -> None:
    """Raise `StackError` where a repository could not be called as the stack."""
    if not _REPOSITORY_NAME.fullmatch(stack):
        raise StackError(
            f"STACK={stack} is also the name of the repository of its image, which has 2 characters at least, small"
            " letters, digits and single hyphens: take another one."
        )


def build_image(machine: Machine, on_progress: OnProgress) -> Image:
    """Build the image for that kind of machine; what has not changed is taken from the engine's cache.

    It is this clone's, or what the Dockerfile of a project of one's own task types makes of that. Raises `StackError`
    where no engine answers, or a build fails.
    """
    require_dockerfile(PROJECT)
    on_progress("Building the image. The first time it takes a minute or two.")
    # Without what says how and when it was built: by that each build would be another image.
    options = ["--provenance=false", "--platform", _PLATFORMS[machine]]
    image = Image(build(ROOT, *options))
    return image if PROJECT == ROOT else Image(_build_on(image, options))


def _build_on(image: Image, options: Sequence[str]) -> str:
    """Build the project's image on this clone's; return its id."""
    # An engine finds what an image builds on by a name alone. Who builds it at the same time has another one.
    name = f"async-tasks-stack:{image.tag}-{os.getpid()}"
    docker(["tag", image.id, name], "The image could not be tagged")
    try:
        return build(PROJECT, *options, *stack_image_option(name))
    finally:
        docker(["image", "rm", name], "The image could not be untagged")


def image_uri(ecr: Any, stack: str, image: Image) -> str:
    """Return by which name the image is pulled; before there is a repository, as in a dry run, by that of the stack."""
    return f"{_find_repository(ecr, stack) or stack}:{image.tag}"


def push_image(ecr: Any, stack: str, image: Image, on_progress: OnProgress) -> None:
    """Push the image to the repository of the stack, which is made where it is not there yet.

    Raises `StackError` where that fails; then no repository is left that was made for it.
    """
    repository = _find_repository(ecr, stack)
    is_new = repository is None
    if repository is None:
        on_progress(f"Making the repository of its images, {stack}: the {_KEPT_IMAGES} newest are kept.")
        repository = _make_repository(ecr, stack)
    on_progress(f"Pushing the image to {repository}.")
    try:
        _sign_in(ecr, repository)
        docker(["tag", image.id, f"{repository}:{image.tag}"], "The image could not be tagged")
        docker(["push", "--quiet", f"{repository}:{image.tag}"], f"The image could not be pushed to {repository}")
    except BaseException:
        if is_new:
            remove_images(ecr, stack)
        raise


def remove_images(ecr: Any, stack: str) -> bool:
    """Remove the repository that was made for a stack, with its images; return whether there was one."""
    repositories = _repositories(ecr, stack)
    for each in repositories:
        ecr.delete_repository(repositoryName=each["repositoryName"], force=True)
    return bool(repositories)


def _find_repository(ecr: Any, stack: str) -> str | None:
    """Return the URI of the stack's repository, None where there is none. Raises `StackError` where it is not ours."""
    for each in _repositories(ecr, stack):
        return str(each["repositoryUri"])
    return None


def _repositories(ecr: Any, stack: str) -> list[Any]:
    """Return the stack's repository, or none. Raises `StackError` where one of that name was made by somebody else."""
    try:
        found = list(ecr.describe_repositories(repositoryNames=[stack])["repositories"])
    except ecr.exceptions.RepositoryNotFoundException:
        return []
    for each in found:
        tags = ecr.list_tags_for_resource(resourceArn=each["repositoryArn"])["tags"]
        if TAG not in {tag["Key"] for tag in tags}:
            raise StackError(
                f"There is a repository {stack} in ECR that `make deploy` has not made, as it has no tag {TAG}:"
                " it is left alone. Take another name for STACK."
            )
    return found


def _make_repository(ecr: Any, stack: str) -> str:
    made = ecr.create_repository(repositoryName=stack, tags=[{"Key": TAG, "Value": "containers"}])["repository"]
    ecr.put_lifecycle_policy(repositoryName=stack, lifecyclePolicyText=json.dumps(_LIFECYCLE))
    return str(made["repositoryUri"])


def _sign_in(ecr: Any, repository: str) -> None:
    """Let Docker push there for the next 12 hours, which is how long ECR's passwords last."""
    [given] = ecr.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(given["authorizationToken"]).decode().partition(":")
    registry = repository.partition("/")[0]
    docker(
        ["login", "--username", user, "--password-stdin", registry],
        f"Docker could not sign in to {registry}",
        given=password,
    )
