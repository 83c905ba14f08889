"""What the image of a stack is called in AWS's registry, and whose repository that is."""

from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.stub import Stubber

from stack.aws.images import Image, image_uri, remove_images, require_repository_name
from stack.errors import StackError

IMAGE = Image(f"sha256:{'0123456789abcdef' * 4}")
REPOSITORY = {
    "repositoryName": "tasks",
    "repositoryArn": "arn:aws:ecr:eu-central-1:123456789012:repository/tasks",
    "repositoryUri": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/tasks",
}


@pytest.fixture
def ecr() -> Any:
    return boto3.client("ecr", region_name="eu-central-1", config=Config(signature_version=UNSIGNED))


def describes(answers: Stubber, **tags: str) -> None:
    answers.add_response("describe_repositories", {"repositories": [REPOSITORY]}, {"repositoryNames": ["tasks"]})
    given = [{"Key": key, "Value": value} for key, value in tags.items()]
    answers.add_response("list_tags_for_resource", {"tags": given}, {"resourceArn": REPOSITORY["repositoryArn"]})


def test_the_same_content_has_the_same_name(ecr: Any) -> None:
    with Stubber(ecr) as answers:
        describes(answers, **{"async-tasks": "containers"})
        assert image_uri(ecr, "tasks", IMAGE) == f"{REPOSITORY['repositoryUri']}:0123456789abcdef"


def test_before_there_is_a_repository_the_image_is_called_as_the_stack(ecr: Any) -> None:
    with Stubber(ecr) as answers:
        answers.add_client_error("describe_repositories", "RepositoryNotFoundException")
        assert image_uri(ecr, "tasks", IMAGE) == "tasks:0123456789abcdef"


def test_a_repository_of_somebody_else_is_neither_pushed_to_nor_removed(ecr: Any) -> None:
    with Stubber(ecr) as answers:
        describes(answers, team="other")
        with pytest.raises(StackError, match="There is a repository tasks in ECR that `make deploy` has not made"):
            image_uri(ecr, "tasks", IMAGE)
        describes(answers, team="other")
        with pytest.raises(StackError, match="has no tag async-tasks: it is left alone"):
            remove_images(ecr, "tasks")
        answers.assert_no_pending_responses()


@pytest.mark.parametrize("name", ["tasks", "my-tasks-2", "t2"])
def test_a_stack_may_be_called_as_a_repository_may_be(name: str) -> None:
    require_repository_name(name)


@pytest.mark.parametrize("name", ["Tasks", "t", "my--tasks", "tasks-"])
def test_a_stack_that_could_not_have_its_repository_is_refused(name: str) -> None:
    with pytest.raises(StackError, match=f"STACK={name} is also the name of the repository of its image"):
        require_repository_name(name)
