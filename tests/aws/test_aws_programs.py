"""The files as the tools of AWS and Kubernetes see them, and that these tools notice what is broken."""

import re
from pathlib import Path

import pytest

from stack.aws.generated_files import CONTAINERS_TEMPLATE, KUBERNETES
from tests.aws.aws_programs import run_aws_program

MANIFESTS = sorted(path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml")


def broken(path: Path, old: str, new: str, tmp_path: Path) -> Path:
    """Return a copy of the file in which one thing is another."""
    text = path.read_text()
    assert old in text
    copy = tmp_path / path.name
    copy.write_text(text.replace(old, new, 1))
    return copy


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("ReadonlyRootFilesystem:", "ReadOnlyRootFilesystem:", "E3002"),
        ("{Ref: ImageUri}", "{Ref: ImageUrl}", "E1020"),
        ("MaximumMessageSize: 1048576", "MaximumMessageSize: 1048577", "E3034"),
    ],
)
def test_cfn_lint_notices_what_is_broken(old: str, new: str, rule: str, tmp_path: Path) -> None:
    done = run_aws_program("cfn-lint", broken(CONTAINERS_TEMPLATE, old, new, tmp_path))
    assert done.returncode != 0
    assert rule in done.stdout


def test_every_manifest_of_kubernetes_own_kinds_is_valid_and_only_those_of_keda_are_not_looked_at() -> None:
    done = run_aws_program("kubernetes-validate", "--strict", *MANIFESTS)

    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert set(re.findall(r"find schema for kind (\w+)", said)) == {"ScaledObject", "TriggerAuthentication"}
    assert len(re.findall(r" passed for resource deployment/", said)) == 5


def test_a_misspelt_field_of_a_deployment_is_noticed(tmp_path: Path) -> None:
    file = broken(KUBERNETES / "worker-data.yaml", "readOnlyRootFilesystem:", "readonlyRootFilesystem:", tmp_path)
    done = run_aws_program("kubernetes-validate", "--strict", file)
    assert done.returncode != 0
    assert "readonlyRootFilesystem" in done.stdout + done.stderr
