"""The services' settings: the shell's environment, above `.env`, above `stack/local.env`."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from dotenv.parser import Binding, parse_stream

from stack.config import PROJECT, ROOT, StackSettings
from stack.errors import StackError

LOCAL_ENV = ROOT / "stack" / "local.env"
DOT_ENV = PROJECT / ".env"

_READ_BY_AWS = "AWS_"
"""So begins what says to the clients of AWS where it is, and who asks."""


def merged_environment(
    shell: Mapping[str, str] = os.environ, dot_env: Path = DOT_ENV, local_env: Path = LOCAL_ENV
) -> dict[str, str]:
    """All settings by name. A name set in the shell wins, then one in `.env`; `stack/local.env` gives the defaults.

    What is empty in the shell hides nothing that `.env` says: to the services it is unset.
    Raises `StackError` where `.env` cannot be read, or a line of it says nothing.
    """
    set_in_shell = {name: value for name, value in shell.items() if value}
    return {**_values(local_env), **shell, **dot_env_settings(dot_env), **set_in_shell}


def deployment_environment(shell: Mapping[str, str] = os.environ, dot_env: Path = DOT_ENV) -> dict[str, str]:
    """Return the settings of services that are deployed: those of the shell, and below them those of `.env`.

    `stack/local.env` has no part in it: its secrets are public. Nor has what `.env` says of AWS, where it means the
    stack on this machine: a deployment goes where the shell leads, as AWS's own CLI does.
    Raises `StackError` where `.env` cannot be read.
    """
    own = {name: value for name, value in dot_env_settings(dot_env).items() if not name.startswith(_READ_BY_AWS)}
    return {**shell, **own, **{name: value for name, value in shell.items() if value}}


def passed_over_in_deployments(dot_env: Path = DOT_ENV) -> list[str]:
    """Return the names of what `.env` sets and `deployment_environment` leaves out. Raises as that does."""
    return sorted(name for name, value in dot_env_settings(dot_env).items() if value and name.startswith(_READ_BY_AWS))


def dot_env_settings(dot_env: Path = DOT_ENV) -> dict[str, str]:
    """What `.env` says, empty where there is none. Raises `StackError` where it, or a line of it, cannot be read."""
    try:
        return _values(dot_env)
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{dot_env} cannot be read as UTF-8 text: {error}.") from error


def service_environment(settings: StackSettings) -> dict[str, str]:
    """The environment of every service of this stack: the merged settings and the addresses of its mode.

    The queues are always those of the stack's own LocalStack: an endpoint left over in a shell or in `.env` would part
    the services from it. The other addresses can be set, for example to alert a real Slack.
    """
    # Left empty, these two have a meaning of their own: no private target, and Slack itself.
    defaults = {
        "ALLOWED_PRIVATE_TARGETS": urlsplit(settings.receiver_url_for_services).netloc,
        "SLACK_API_URL": f"{settings.receiver_url_for_services}/slack/api/",
    }
    always_set = {
        "EXAMPLE_RECEIVER_URL": settings.environment.get("EXAMPLE_RECEIVER_URL") or settings.callback_url,
        # For programs: `make logs` shows the lines to people.
        "LOG_FORMAT": settings.environment.get("LOG_FORMAT") or "json",
    }
    return {**defaults, **settings.environment, **always_set, **_sqs_at(settings.localstack_url_for_services)}


def host_environment(settings: StackSettings) -> dict[str, str]:
    """The environment of a service's program that a person runs on this machine, whatever the mode of the stack."""
    return {
        **service_environment(settings),
        **_sqs_at(settings.localstack_url),
        "LOG_FORMAT": settings.environment.get("LOG_FORMAT") or "console",
    }


def _sqs_at(url: str) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL": url, "AWS_ENDPOINT_URL_SQS": url}


def _values(path: Path) -> dict[str, str]:
    """What a file says, empty where there is none. Raises `StackError` where a line of it says nothing."""
    # A folder of this name is somebody's virtual environment.
    if not (path.is_file() or path.is_fifo()):
        return {}
    # Some editors begin a file with a byte order mark.
    with path.open(encoding="utf-8-sig") as file:
        bindings = list(parse_stream(file))
    if broken := next((binding for binding in bindings if binding.error), None):
        # The setting that it was to be may be one that protects, as API_KEYS does. Its text may be a secret.
        raise StackError(
            f"{path}, line {_line_of(broken)}: no setting can be read there. A line is NAME=value, a # comment or"
            " empty; a value that begins with a quote ends with it."
        )
    return {binding.key: binding.value or "" for binding in bindings if binding.key is not None}


def _line_of(binding: Binding) -> int:
    """Where it begins: the lines before it that are empty are taken for a part of it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
