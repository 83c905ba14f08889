"""The settings: read from the environment, and `.env` where there is one; refused at boot where they cannot work."""

import os
import sys
from typing import Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.primitives.sqs_limits import LONGEST_VISIBILITY_TIMEOUT_SECONDS

SettingsT = TypeVar("SettingsT", bound=BaseSettings)

USER_AGENT = "async-tasks/1"
"""By this name the services make their requests."""


SHORTEST_API_KEY = 16


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _api_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if len(text) < SHORTEST_API_KEY or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"each key has at least {SHORTEST_API_KEY} visible ASCII characters")
    return key


Seconds = Annotated[float, Field(gt=0, le=LONGEST_VISIBILITY_TIMEOUT_SECONDS, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65_535)]
NonNegativeSeconds = Annotated[float, Field(ge=0, le=LONGEST_VISIBILITY_TIMEOUT_SECONDS, allow_inf_nan=False)]
ApiKey = Annotated[SecretStr, AfterValidator(_api_key)]
CommaSeparated = BeforeValidator(_split)
ApiKeys = Annotated[Annotated[list[ApiKey], Field(min_length=1)] | None, NoDecode, CommaSeparated]


class Settings(BaseSettings):
    """What every program reads."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8-sig", extra="ignore", env_ignore_empty=True, frozen=True
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"


def load_settings(settings_class: type[SettingsT]) -> SettingsT:
    """Read the settings, or end the program with one line for each setting that cannot work."""
    try:
        return settings_class()
    except ValidationError as error:
        refuse_to_start(*lines_of(error))


def refuse_to_start(*lines: str) -> NoReturn:
    """Print the lines to standard error and exit with EX_CONFIG (sysexits.h)."""
    for line in lines:
        sys.stderr.write(f"cannot start: {line}\n")
    raise SystemExit(os.EX_CONFIG)


def lines_of(error: ValidationError) -> list[str]:
    """Return a line for each setting that cannot work."""
    return [_line(details) for details in error.errors()]


def _line(details: Any) -> str:
    message = details["msg"].removeprefix("Value error, ")
    if not details["loc"]:
        return str(message)
    setting = ".".join(str(part) for part in details["loc"]).upper()
    return f"{setting}: {message}"
