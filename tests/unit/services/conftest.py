"""What the unit tests of the services share."""

import os
from pathlib import Path

import pytest

from services.settings import ApiSettings, WatcherSettings, WorkerSettings
from services.tasks.data import DataSettings
from tests.http_servers import closed_port, http, serve  # noqa: F401  # fixtures

SETTINGS = (ApiSettings, WorkerSettings, WatcherSettings, DataSettings)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's shell, nor a `.env` file, reaches a test."""
    monkeypatch.chdir(tmp_path)
    for name in {field.upper() for settings in SETTINGS for field in settings.model_fields} & os.environ.keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
