"""What the receiver reads from its environment (or from a `.env` file)."""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of every secret, Standard Webhooks 1.0, "Signature scheme"

SHORTEST_TOKEN = 16


class SettingError(Exception):
    """A setting that cannot work; its text is one line that names the setting."""


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8-sig", env_ignore_empty=True, extra="ignore"
    )

    receiver_host: str = Field(default="127.0.0.1", description="address to listen on")
    receiver_port: int = Field(default=9000, ge=0, le=65535, description="port to listen on; 0 takes any free one")
    receiver_allowed_hosts: Annotated[list[str], NoDecode, BeforeValidator(_split)] = Field(
        default=["receiver", "host.docker.internal"],
        description="names besides those of loopback by which the inbox may be read and emptied, parted by comma",
    )
    receiver_database: Path = Field(default=Path(".stack/receiver.sqlite3"), description="SQLite file")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = Field(default="console", description="for people, or JSON lines")
    callback_signing_secret: SecretStr = Field(
        default=SecretStr(""),
        description="whsec_<base64>; several, parted by space or comma, while a secret is rotated; empty = unchecked",
    )

    @property
    def signing_secrets(self) -> list[str]:
        """Every secret that a callback may be signed with."""
        return self.callback_signing_secret.get_secret_value().replace(",", " ").split()

    @field_validator("callback_signing_secret")
    @classmethod
    def _each_secret_decodes(cls, value: SecretStr) -> SecretStr:
        for secret in value.get_secret_value().replace(",", " ").split():
            if not _is_signing_secret(secret):
                raise ValueError(f"each secret must be {SECRET_PREFIX} and then base64")
        return value


class FunctionSettings(Settings):
    """The settings of a receiver that is a function: its URL is public."""

    receiver_token: SecretStr = Field(
        min_length=SHORTEST_TOKEN, description="who gives it may read, empty and control the inbox"
    )


SettingsT = TypeVar("SettingsT", bound=Settings)


def load_settings(settings_class: type[SettingsT]) -> SettingsT:
    """Read the settings. Raises SettingError where some value cannot work."""
    try:
        return settings_class()
    except ValidationError as invalid:
        problems = [f"{str(error['loc'][0]).upper()}: {error['msg']}" for error in invalid.errors()]
        raise SettingError("; ".join(problems)) from None


def _is_signing_secret(secret: str) -> bool:
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        # Padding may be left out, as the verifying library allows.
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        return False
    return encoded != secret and bool(key)
