"""Which settings a function is given: those that a user has set, which it reads, and which AWS does not decide."""

from collections.abc import Iterable, Mapping
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

SET_FOR_ALL_FUNCTIONS = ("LOG_FORMAT", "LOG_LEVEL", "METRICS_ENABLED", "QUEUE_NAME_PREFIX")
SET_FOR_EACH_FUNCTION = ("FUNCTION_TIMEOUT_SECONDS", "VISIBILITY_TIMEOUT_SECONDS", "WORKER_QUEUE")

DECIDED_BY_AWS = (
    # The event source polls, hides messages and gathers alerts; Lambda itself begins and ends the process.
    "ALERT_WINDOW_SECONDS",
    "DRAIN_TIMEOUT_SECONDS",
    "HEARTBEAT_SECONDS",
    "SQS_WAIT_TIME_SECONDS",
    # Nothing is listened on, and the queues are those of the function's own account and region.
    "API_HOST",
    "API_PORT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SQS",
    "HEALTH_HOST",
    "HEALTH_PORT",
)
"""What a user has set for the processes, and is nothing to a function."""

_READ_BY_OPENTELEMETRY = "OTEL_"
"""So begins what its SDK reads from the environment, in every function."""


def secret_parameter(setting: str) -> str:
    """Return the template's parameter that says where a secret setting is."""
    return "".join(part.title() for part in setting.split("_"))


def literal_settings(classes: Iterable[type[Settings]], environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a function that reads these classes is given of the environment of a user.

    What is empty is unset to the services, and left out.
    """
    elsewhere = {*SECRET_SETTINGS, *SET_FOR_ALL_FUNCTIONS, *SET_FOR_EACH_FUNCTION, *DECIDED_BY_AWS}
    read = {field.upper() for each in classes for field in each.model_fields} - elsewhere
    return {
        name: value
        for name, value in sorted(environment.items())
        if value and (name in read or name.startswith(_READ_BY_OPENTELEMETRY))
    }


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
