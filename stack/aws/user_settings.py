"""Which of a user's settings a program is given on AWS: those that it reads, and which the place does not decide."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, Secret, SecretBytes, SecretStr, ValidationError, create_model
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from typing_extensions import TypeAliasType

from services.api.settings import ApiSettings
from services.dlq_watcher.settings import WatcherSettings
from services.settings import Settings, lines_of
from services.task_types.loading import TaskTypes
from services.worker.settings import WorkerSettings
from stack.errors import StackError

SettingsT = TypeVar("SettingsT", bound=Settings)

API_KEYS = "API_KEYS"
CALLBACK_SIGNING_SECRET = "CALLBACK_SIGNING_SECRET"  # noqa: S105  # the name of a setting
SLACK_BOT_TOKEN = "SLACK_BOT_TOKEN"  # noqa: S105  # the same

READ_BY_SERVICES: tuple[type[Settings], ...] = (ApiSettings, WorkerSettings, WatcherSettings)
"""What the programs read that are deployed, beside the settings of task types."""

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
    "SQS_DIRECT_CALLS",
    "VISIBILITY_TIMEOUT_SECONDS",
    "WORKER_QUEUE",
}
"""The same of a function."""

_READ_BY_OPENTELEMETRY = "OTEL_"
"""So begins what its SDK reads from the environment, in every program."""


def secret_settings(task_types: TaskTypes) -> tuple[str, ...]:
    """Return the settings that are never in a template: those of the services, and of these task types, that say so.

    They are keys of a secret of AWS Secrets Manager, a JSON object. One is secret everywhere where it is somewhere:
    two task types can read the same one, and declare it differently.
    """
    return _secrets_in([*READ_BY_SERVICES, *(task_type.settings for task_type in task_types.values())])


def secrets_read_by(classes: Iterable[type[Settings]], secrets: Iterable[str]) -> tuple[str, ...]:
    """Return those of the secret settings that a program reads which reads these classes."""
    read = _names(classes)
    return tuple(name for name in secrets if name in read)


def literal_settings(
    classes: Iterable[type[Settings]],
    environment: Mapping[str, str],
    decided: Collection[str],
    secrets: Collection[str],
) -> dict[str, str]:
    """Return what a program that reads these classes is given of the environment of a user, but for the secrets.

    `decided`: what its place decides. What is empty is unset to the services, and left out.
    """
    read = _names(classes) - {*secrets, *decided}
    return {
        name: value
        for name, value in sorted(environment.items())
        if value and (name in read or name.startswith(_READ_BY_OPENTELEMETRY))
    }


def _names(classes: Iterable[type[Settings]]) -> set[str]:
    return {field.upper() for each in classes for field in each.model_fields}


def _secrets_in(classes: Iterable[type[BaseModel]]) -> tuple[str, ...]:
    """Return the names of the settings whose types say that they are secret, wholly or in a part of them.

    https://docs.pydantic.dev/latest/api/types/#pydantic.types.Secret
    """
    fields = [(name, field) for each in classes for name, field in each.model_fields.items()]
    return tuple(sorted({name.upper() for name, field in fields if any(map(_is_secret, _types_in(field.annotation)))}))


def _is_secret(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, (Secret, SecretStr, SecretBytes))


def _types_in(annotation: Any) -> Iterator[Any]:
    """Yield what a type is made of, and itself."""
    left, models = [annotation], set()
    while left:
        each = left.pop()
        kind = get_origin(each) or each
        yield kind
        left += get_args(each)
        if isinstance(kind, TypeAliasType):
            left.append(kind.__value__)
        # One may have a field of its own kind.
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in models:
            models.add(kind)
            left += [field.annotation for field in kind.model_fields.values()]


_SECRETS_OF_SERVICES = frozenset(_secrets_in(READ_BY_SERVICES))


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
    secret = _secrets_in([settings_class])
    literal = {name: value for name, value in environment.items() if name not in secret}
    given = {name.lower(): value for name, value in {**literal, **secrets}.items() if value}
    reader = cast("type[SettingsT]", create_model(settings_class.__name__, __base__=(_OfMapping, settings_class)))
    try:
        return reader(**given)  # type: ignore[arg-type]  # texts, as the environment has them
    except ValidationError as error:
        raise StackError("; ".join(lines_of(error))) from error


def ensure_it_starts(
    program: str, classes: Iterable[type[Settings]], given: Mapping[str, str], secrets: Iterable[str]
) -> None:
    """Raise `StackError` where a program that reads these classes could not start with what it is given.

    The services can do without each of their secrets. What a task type needs of its own is known later, when those are
    that are stored: `ensure_task_types_work`.
    """
    later = {*secrets} - _SECRETS_OF_SERVICES
    for settings_class in classes:
        if later & _names([settings_class]):
            continue
        try:
            read_settings(settings_class, given)
        except StackError as error:
            raise StackError(f"{program} could not start: {error}") from error


def ensure_task_types_work(task_types: TaskTypes, environment: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """Raise `StackError` where the worker of one could not start with the settings, and the secrets, that there are."""
    for name, task_type in task_types.items():
        try:
            read_settings(task_type.settings, environment, secrets)
        except StackError as error:
            raise StackError(f"The task type {name} cannot work: {error}") from error
