import socket
from pathlib import Path

import pytest

from receiver.__main__ import prepare
from receiver.settings import Settings

EX_CONFIG = 78  # sysexits.h


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which the program refuses to start."""
    with pytest.raises(SystemExit) as exited:
        prepare()
    assert exited.value.code == EX_CONFIG
    [line] = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECEIVER_PORT", "http"),
        ("RECEIVER_PORT", "-1"),
        ("RECEIVER_PORT", "65536"),
        ("RECEIVER_HOST", "no.such.host.invalid"),
        ("RECEIVER_HOST", "a..b"),
        ("RECEIVER_DATABASE", "/dev/null/receiver.sqlite3"),
        ("RECEIVER_DATABASE", "/"),
        ("CALLBACK_SIGNING_SECRET", "whsec_"),
        ("CALLBACK_SIGNING_SECRET", "whsec_not*base64"),
        ("CALLBACK_SIGNING_SECRET", "c2VjcmV0"),
        ("CALLBACK_SIGNING_SECRET", "whsec_c2VjcmV0 secret"),
    ],
)
def test_setting_that_cannot_work_stops_the_boot_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert name in refusal(capsys)


def test_several_bad_settings_are_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECEIVER_PORT", "x")
    monkeypatch.setenv("CALLBACK_SIGNING_SECRET", "x")
    line = refusal(capsys)
    assert "RECEIVER_PORT" in line
    assert "CALLBACK_SIGNING_SECRET" in line


def test_bad_secret_is_not_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CALLBACK_SIGNING_SECRET", "whsec_verysecret*")
    assert "verysecret" not in refusal(capsys)


def test_file_that_is_no_database_stops_the_boot(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "text"
    path.write_text("This is no database, and long enough to be taken for none. " * 10)
    monkeypatch.setenv("RECEIVER_DATABASE", str(path))
    assert "file is not a database" in refusal(capsys)


def test_taken_port_stops_the_boot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("RECEIVER_PORT", str(taken.getsockname()[1]))
        assert "already in use" in refusal(capsys)


@pytest.mark.parametrize("separator", [" ", ",", ", "])
def test_secrets_are_separated_by_space_or_comma(monkeypatch: pytest.MonkeyPatch, separator: str) -> None:
    monkeypatch.setenv("CALLBACK_SIGNING_SECRET", separator.join(["whsec_b25l", "whsec_dHdvdHdv"]))
    assert Settings().signing_secrets == ["whsec_b25l", "whsec_dHdvdHdv"]


def test_empty_setting_is_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEIVER_PORT", "")
    monkeypatch.setenv("CALLBACK_SIGNING_SECRET", "")
    assert (Settings().receiver_port, Settings().signing_secrets) == (9000, [])


def test_settings_come_from_a_dotenv_file_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RECEIVER_PORT=9001\nUNRELATED=1\n")
    assert Settings().receiver_port == 9001
