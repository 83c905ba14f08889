"""How the image of a stack is built, what it is called in AWS's registry, and whose repository that is."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.stub import Stubber

from stack.aws.images import Image, image_uri, remove_images, require_repository_name
from stack.config import ROOT
from stack.errors import StackError

FAKE_DOCKER = """#!/bin/sh
echo "$@" >> "$0.arguments"
[ "$1" != build ] || echo "sha256:$(grep -c build "$0.arguments")123456789abcdef0123456789abcdef"
"""

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


def built_in(project: Path) -> "subprocess.CompletedProcess[str]":
    """Build the image of the project in this folder."""
    return subprocess.run(
        [sys.executable, "-c", "from stack.aws.images import build_image; print(build_image('arm64', str).tag)"],
        env={**os.environ, "PROJECT_DIR": str(project), "PYTHONPATH": str(ROOT)},
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_that_of_a_project_is_built_on_that_of_this_clone_for_the_same_machine(docker: Path, tmp_path: Path) -> None:
    project = tmp_path / "acme"
    project.mkdir()
    (project / "Dockerfile").write_text("ARG STACK_IMAGE\nFROM ${STACK_IMAGE}\n")

    assert built_in(project).stdout == "2123456789abcdef\n"
    of_clone, named, of_project, unnamed = docker.with_name("docker.arguments").read_text().splitlines()
    options = "build --quiet --provenance=false --platform linux/arm64"
    name = named.split()[-1]
    assert of_clone == f"{options} {ROOT}"
    assert named.startswith("tag sha256:1123456789abcdef")
    assert name.startswith("async-tasks-stack:1123456789abcdef-")
    assert of_project == f"{options} --build-arg STACK_IMAGE={name} {project}"
    assert unnamed == f"image rm {name}"


def test_a_project_that_says_not_how_it_is_built_is_refused_before_anything_is(docker: Path, tmp_path: Path) -> None:
    project = tmp_path / "acme"
    project.mkdir()

    assert (
        f"{project / 'Dockerfile'} is missing, by which the image with your task types is built"
        in built_in(project).stderr
    )
    assert not docker.with_name("docker.arguments").exists()
