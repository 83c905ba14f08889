"""What somebody asks for is installed beside a lock whose versions stay: by the real uv, from files of this machine."""

import subprocess
import sys
from pathlib import Path

from stack.config import ROOT
from tests.aws.wheel import wheel


def install(folder: Path, asked_for: str, lock: str) -> "subprocess.CompletedProcess[str]":
    """Install what the folder's requirements.txt asks for, from another folder, into `target` there."""
    (folder / "requirements.txt").write_text(asked_for)
    (folder / "lock.txt").write_text(lock)
    command = [sys.executable, "stack/install.py", sys.executable, str(folder / "requirements.txt")]
    options = ["--within", str(folder / "lock.txt"), "--target", str(folder / "target")]
    return subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603


def test_a_path_is_as_seen_from_the_folder_of_the_file_that_names_it(tmp_path: Path) -> None:
    file = wheel(tmp_path, "shouting")

    done = install(tmp_path, f"./{file.name}\n", "")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "target" / "shouting.py").exists()


def test_what_the_lock_has_in_another_version_is_refused(tmp_path: Path) -> None:
    file = wheel(tmp_path, "shouting", "2.0")

    done = install(tmp_path, f"./{file.name}\n", "shouting==1.0 \\\n    --hash=sha256:0\n")

    assert done.returncode == 1
    assert "shouting==1.0" in done.stderr
    assert not (tmp_path / "target" / "shouting.py").exists()
