"""What an author does in a project that is a copy of the example, natively or in containers as MODE says."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from stack.config import ROOT
from tests.own_task_types.project import Project

IN_CONTAINERS = os.environ.get("MODE") == "containers"

INVOICE = {
    "name": "one",
    "number": "1001",
    "customer": "Anna Example",
    "currency": "EUR",
    "lines": [{"description": "Widgets", "quantity": 3, "unit_price": 1.5}],
}


def test_the_tests_of_the_example_pass_without_a_stack_and_on_one(example: Project) -> None:
    assert "12 passed" in example.make("test")
    assert "3 passed" in example.make("test-stack", TASK_PACKAGES="acme.tasks")


def test_all_that_a_stack_has_follows_from_the_packages_and_their_settings_from_the_shell(example: Project) -> None:
    own_alone = {"TASK_PACKAGES": "acme.tasks", "BROKEN_LINKS_MAX_BYTES": "10"}
    example.make("up", **own_alone)
    try:
        overview = example.made_json("ps", **own_alone)
        (example.folder / "an invoice.json").write_text(json.dumps([INVOICE]))
        heard = example.made_json("submit", "FILE=an invoice.json", "WAIT=1", **own_alone)
        story = example.make("trace", f"TASK={heard['task_id']}", **own_alone)
        too_large = example.made_json("submit", "TYPE=broken-links", "WAIT=1", **own_alone)
        docs = _fetch(f"http://localhost:{example.ports['API_PORT']}/openapi.json")
        console = _fetch(f"http://localhost:{example.ports['CONSOLE_PORT']}/api/state")
        demo = example.try_make("demo", **own_alone)
    finally:
        example.make("down", FORCE="1")

    services = {service["name"] for service in overview["services"]}
    assert {name for name in services if name.startswith("worker-")} == {
        "worker-broken-links",
        "worker-invoice-pdf",
        "worker-callbacks",
    }
    assert {queue["name"] for queue in overview["queues"] if not queue["name"].endswith("-dlq")} == {
        "broken-links",
        "invoice-pdf",
        "callbacks",
        "alerts",
        "undelivered",
    }
    assert heard["task_type"] == "invoice-pdf"
    assert heard["callback"]["results"][0]["one"]["total"] == 4.5
    assert "✓ Done: the callback has the outcome." in story
    assert too_large["callback"]["errors"] == [{"inbox": "the page has more than 10 bytes"}]
    assert {"/v1/pages/broken-links", "/v1/invoices/pdf"} <= docs["paths"].keys()
    assert "/v1/calculation/basic" not in docs["paths"]
    assert "InvoicePdf" in docs["components"]["schemas"]
    assert "worker-invoice-pdf" in json.dumps(console)
    assert demo.returncode != 0
    assert "make submit TYPE=" in demo.stderr


def test_a_setting_that_cannot_work_is_said_before_anything_is_started(example: Project) -> None:
    refused = example.try_make("up", BROKEN_LINKS_MAX_BYTES="none")

    assert refused.returncode != 0
    assert "BROKEN_LINKS_MAX_BYTES" in refused.stderr
    assert "Starting" not in re.sub("Starting the stack", "", refused.stdout)


def test_a_package_that_is_not_there_is_said_at_once(example: Project) -> None:
    refused = example.try_make("up", TASK_PACKAGES="acme.tasks,nowhere.tasks")

    assert refused.returncode != 0
    assert "TASK_PACKAGES: there is no package 'nowhere.tasks'" in refused.stderr


@pytest.mark.skipif(not IN_CONTAINERS, reason="natively there is no image")
def test_an_image_without_the_package_is_said_before_anything_is_started(scratch: Project) -> None:
    dockerfile = scratch.folder / "Dockerfile"
    dockerfile.write_text("".join(re.findall(r"^(?!.*acme).*\n", dockerfile.read_text(), re.MULTILINE)))

    refused = scratch.try_make("up")

    assert refused.returncode != 0
    assert "The stack is not started: cannot start: TASK_PACKAGES: there is no package 'acme.tasks'" in refused.stderr
    assert "Starting localstack" not in refused.stdout
    scratch.make("clean")
    for kind in ("image", "volume", "network"):
        command = ["docker", kind, "ls", "--format", "{{.Repository}}" if kind == "image" else "{{.Name}}"]
        left = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
        assert scratch.folder.name not in left, kind


@pytest.mark.skipif(IN_CONTAINERS, reason="an image is built anew whenever its files have changed")
def test_a_change_of_the_code_starts_the_stack_again(scratch: Project) -> None:
    scratch.make("up")
    invoice = scratch.folder / "acme" / "invoice.py"
    invoice.write_text(invoice.read_text().replace("Invoice {", "Bill {"))

    assert "Code or settings have changed since the start: restarting." in scratch.make("up")


def test_a_clone_that_is_not_there_is_said(tmp_path: Path) -> None:
    project = Project.copied_to(tmp_path / "lost")

    refused = project.run("make", "up", cwd=project.folder)

    assert refused.returncode != 0
    assert "There is no clone of the stack at ../async-tasks" in refused.stderr


def test_clean_leaves_what_is_the_authors_own(scratch: Project) -> None:
    before = _files(scratch.folder)
    scratch.make("venv")

    scratch.make("clean")

    assert _files(scratch.folder) == before


def test_nothing_of_a_project_is_left_in_the_clone(example: Project) -> None:
    example.make("venv")
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    assert "acme" not in changed.stdout


def _files(folder: Path) -> set[Path]:
    return {each.relative_to(folder) for each in folder.rglob("*") if "__pycache__" not in each.parts}


def _fetch(url: str) -> Any:
    return httpx.get(url, trust_env=False, timeout=60).raise_for_status().json()
