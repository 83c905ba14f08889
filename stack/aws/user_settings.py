"""Which of a user's settings a program is given on AWS: those that it reads, and which the place does not decide."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar, cast

from pydantic import ValidationError, create_model
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from services.settings import Settings, lines_of
from stack.errors import StackError

SettingsT = TypeVar("SettingsT", bound=Settings)

API_KEYS = "API_KEYS"
CALLBACK_SIGNING_SECRET = "CALLBACK_SIGNING_SECRET"  # noqa: S105  # the name of a setting
SLACK_BOT_TOKEN = "SLACK_BOT_TOKEN"  # noqa: S105  # the same

SECRET_SETTINGS = (API_KEYS, CALLBACK_SIGNING_SECRET, SLACK_BOT_TOKEN)
"""Never in a template: they are keys of a secret of AWS Secrets Manager, a JSON object."""

DECIDED_FOR_CONTAINERS = frozenset(
    {
        # Where it listens, and the format of logs that nobody reads on a terminal.
        "API_HOST",
        "API_PORT",
        "HEALTH_HOST",
        "HEALTH_PORT",
        "LOG_FORMAT",
        # The queues are those of its own account and region, by the prefix of the stack.
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_SQS",
        "QUEUE_NAME_PREFIX",
    }
)
"""What a user has set for the programs of another place, and is nothing to a container on AWS."""

DECIDED_FOR_FUNCTIONS = DECIDED_FOR_CONTAINERS | {
    # The event source polls, hides messages and gathers alerts; Lambda itself begins and ends the process.
    "ALERT_WINDOW_SECONDS",
    "DRAIN_TIMEOUT_SECONDS",
    "HEARTBEAT_SECONDS",
    "SQS_WAIT_TIME_SECONDS",
    # The template sets them, for all functions or for each.
    "FUNCTION_TIMEOUT_SECONDS",
    "LOG_LEVEL",
    "METRICS_ENABLED",
    "VISIBILITY_TIMEOUT_SECONDS",
    "WORKER_QUEUE",
}
"""The same of a function."""

_READ_BY_OPENTELEMETRY = "OTEL_"
"""So begins what its SDK reads from the environment, in every program."""


def secrets_read_by(classes: Iterable[type[Settings]]) -> tuple[str, ...]:
    """Return those of the secret settings that a program reads which reads these classes."""
    read = _names(classes)
    return tuple(name for name in SECRET_SETTINGS if name in read)


def literal_settings(
    classes: Iterable[type[Settings]], environment: Mapping[str, str], decided: Collection[str]
) -> dict[str, str]:
    """Return what a program that reads these classes is given of the environment of a user.

    `decided`: what its place decides. What is empty is unset to the services, and left out.
    """
    read = _names(classes) - {*SECRET_SETTINGS, *decided}
    return {
        name: value
        for name, value in sorted(environment.items())
        if value and (name in read or name.startswith(_READ_BY_OPENTELEMETRY))
    }


def _names(classes: Iterable[type[Settings]]) -> set[str]:
    return {field.upper() for each in classes for field in each.model_fields}


class _OfMapping(BaseSettings):
    """Reads what it is given, and neither this process's environment nor `.env`."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # pydantic-settings gives them all, by these names
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def read_settings(
    settings_class: type[SettingsT],
    environment: Mapping[str, str],
    secrets: Mapping[str, str] = MappingProxyType({}),
) -> SettingsT:
    """Read the settings as a program does whose environment is this one, its secrets replaced by those given.

    Raises `StackError` with a line for each setting that cannot work.
    """
    literal = {name: value for name, value in environment.items() if name not in SECRET_SETTINGS}
    given = {name.lower(): value for name, value in {**literal, **secrets}.items() if value}
    reader = cast("type[SettingsT]", create_model(settings_class.__name__, __base__=(_OfMapping, settings_class)))
    try:
        return reader(**given)  # type: ignore[arg-type]  # texts, as the environment has them
    except ValidationError as error:
        raise StackError("; ".join(lines_of(error))) from error


def ensure_it_starts(program: str, classes: Iterable[type[Settings]], given: Mapping[str, str]) -> None:
    """Raise `StackError` where a program that reads these classes could not start with what it is given."""
    for settings_class in classes:
        try:
            read_settings(settings_class, given)
        except StackError as error:
            raise StackError(f"{program} could not start: {error}") from error
