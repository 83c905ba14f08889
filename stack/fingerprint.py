"""Tells whether the code or the settings of a running stack have changed since it was started."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from stack.config import ROOT, StackSettings

SOURCES = ("services", "receiver", "web", "localstack-init", "requirements")
EXAMPLE = ROOT / ".env.example"


def fingerprint(settings: StackSettings) -> str:
    """The same text for the same code, the same ports and the same settings."""
    digest = sha256()
    for file in _source_files():
        digest.update(str(file).encode() + file.read_bytes())
    for name in setting_names(EXAMPLE.read_text()):
        digest.update(f"{name}={settings.environment.get(name)}\n".encode())
    return digest.hexdigest()


def setting_names(example: str) -> list[str]:
    """The settings that `.env.example` lists, where each is commented out."""
    return re.findall(r"^# ?([A-Z][A-Z0-9_]*)=", example, flags=re.MULTILINE)


def _source_files() -> Iterator[Path]:
    for source in SOURCES:
        for file in sorted((ROOT / source).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file
