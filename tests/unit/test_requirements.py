"""Each lock has a hash for all that it names, says nothing of where that comes from, and fits those beside it."""

import json
import re
from pathlib import Path

import pytest

from stack.config import ROOT

NODE_LOCK = ROOT / "tests" / "clients" / "package-lock.json"
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def pins(lock: str) -> set[str]:
    """The lines of a lock that name a version."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    return set(re.findall(r"^[a-z0-9].*==.*$", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_of_a_lock_has_a_hash(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", lock.read_text())
    packages = [entry for entry in entries if not entry.startswith("#")]
    assert packages
    assert [entry for entry in packages if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_names_no_place(lock: Path) -> None:
    assert "://" not in lock.read_text()


def test_the_lock_of_node_packages_has_a_hash_for_each_and_names_no_place() -> None:
    text = NODE_LOCK.read_text()
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}

    assert packages
    assert [name for name, entry in packages.items() if not entry["integrity"].startswith("sha512-")] == []
    assert "://" not in text


def test_it_has_what_its_manifest_names() -> None:
    manifest = json.loads(NODE_LOCK.with_name("package.json").read_text())

    assert json.loads(NODE_LOCK.read_text())["packages"][""]["devDependencies"] == manifest["devDependencies"]


@pytest.mark.parametrize(("part", "whole"), [("runtime", "stack"), ("stack", "dev"), ("uv", "dev")])
def test_what_is_installed_for_more_has_all_of_what_is_installed_for_less(part: str, whole: str) -> None:
    assert pins(part)
    assert pins(part) <= pins(whole)
