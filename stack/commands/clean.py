"""The command `clean`: stops the stack, and removes what it has on the container engine."""

from collections.abc import Mapping

from stack import state
from stack.commands.down import stop
from stack.commands.lock import alone
from stack.config import DEFAULT_DIRECTORY, PROJECT_NAME, stack_directory
from stack.containers import stack as containers
from stack.containers.engine import engine_answers
from stack.environment import merged_environment
from stack.running import running_settings, settings_found
from stack.terminal import OnProgress, say, say_aside, show_json


def clean(*, force: bool, as_json: bool) -> None:
    """Stop the stack and remove what it has; with another STACK_DIR, that of .stack as well.

    Raises `StackError` where what is queued would be lost and nothing forces it.
    """
    on_progress = say_aside if as_json else say
    environment = merged_environment() | {"MODE": ""}
    # That of the clone itself too, whose files `make clean` removes.
    default = environment | {"STACK_DIR": "", PROJECT_NAME: ""}
    is_default = stack_directory(environment) == DEFAULT_DIRECTORY
    projects = [_clean(each, on_progress, force=force) for each in [environment, *([] if is_default else [default])]]
    if as_json:
        show_json({"removed": list(filter(None, projects))})


def _clean(environment: Mapping[str, str], on_progress: OnProgress, *, force: bool) -> str:
    """Stop and remove one stack; return its Compose project, empty where it has none."""
    directory = stack_directory(environment)
    with alone("make clean", directory, on_progress):
        if settings := running_settings(environment):
            stop(settings, on_progress, force=force)
        project = state.recall(directory).project
        if project and (engine_answers() or not force):
            containers.clean(settings_found({**environment, PROJECT_NAME: project}, "containers"), force=force)
        return project
