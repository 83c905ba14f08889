"""Finds the stack that runs, by what its directory remembers, else by what the engine has; and which is to start."""

from collections.abc import Collection, Iterable, Mapping

from stack import state
from stack.config import PROJECT_NAME, Mode, StackSettings, stack_directory, stack_settings
from stack.containers.engine import engine_answers
from stack.containers.projects import Choice, ProjectContainer, choose_project, has_volumes, project_containers
from stack.environment import merged_environment
from stack.errors import StackError


def running_settings(environment: Mapping[str, str]) -> StackSettings | None:
    """The settings with which the stack runs, or what is left of it; None where nothing was started.

    Raises `StackError` where another clone's stack runs from the same directory.
    """
    remembered = state.recall(stack_directory(environment))
    if remembered.mode is None and (environment.get("MODE") in {"native", "lambda"} or not engine_answers()):
        return None
    started_in = remembered.applied_to(environment) if remembered.mode else dict(environment)
    if remembered.mode in {"native", "lambda"}:
        return settings_found(started_in, remembered.mode)
    containers = project_containers()
    project = _choose(started_in, containers).name
    own = [container for container in containers if container.project == project]
    if remembered.mode is None and not own:
        return None
    # Plain Compose may have started them with others than `make up`.
    return settings_found({**started_in, PROJECT_NAME: project, **_ports(own)}, "containers")


def required_settings() -> StackSettings:
    """Those with which the stack runs. Raises `StackError` where it is not up."""
    settings = running_settings(merged_environment())
    if settings is None:
        raise StackError("The stack is not up: `make up` starts it.")
    return settings


def stopped_settings() -> StackSettings | None:
    """Those of the stack that `down` has stopped, whose logs are files of its directory.

    None where one runs, where none ran yet, and where the last one ran in containers.
    """
    environment = merged_environment()
    mode = state.recall(stack_directory(environment)).stopped_mode
    return settings_found(environment, mode) if mode in {"native", "lambda"} else None


def settings_found(environment: Mapping[str, str], mode: Mode) -> StackSettings:
    """Those of a stack that is there already: one that is not native has LocalStack, whatever `BROKER` asks for now."""
    return stack_settings(environment if mode == "native" else {**environment, "BROKER": ""}, mode)


def mode_before(before: StackSettings | None, environment: Mapping[str, str]) -> Mode | None:
    """The mode of the stack that runs, or of the one that was stopped with something queued."""
    if before:
        return before.mode
    directory = stack_directory(environment)
    return state.recall(directory).stopped_mode if state.left_something_queued(directory) else None


def with_broker(environment: Mapping[str, str], before: StackSettings | None) -> dict[str, str]:
    """The environment with the broker to start on: the one that is asked for, else the one on which the stack runs.

    Of a stack that was stopped it is the one that keeps what was queued, unless a mode is asked for that has it not, or
    what was saved is of one.
    """
    if environment.get("BROKER") or environment.get("MODE") not in {None, "", "native"}:
        return dict(environment)
    if before:
        return {**environment, "BROKER": before.broker.name}
    directory = stack_directory(environment)
    kept = state.kept_messages(directory)
    if kept is None or (state.has_saved_messages(directory) and state.recall(directory).stopped_mode != "native"):
        return dict(environment)
    return {**environment, "BROKER": kept.broker}


def settings_to_start(environment: Mapping[str, str], mode: Mode) -> tuple[StackSettings, str]:
    """The settings to start the stack with in this mode, and a line on its Compose project if there is one to say."""
    if mode != "containers":
        return stack_settings(environment, mode), ""
    choice = _choose(environment, project_containers())
    return stack_settings({**environment, PROJECT_NAME: choice.name}, mode), _line(choice)


def _line(choice: Choice) -> str:
    if not choice.reason:
        return ""
    for_plain_compose = f"Plain `docker compose` needs the name: export {PROJECT_NAME}={choice.name}"
    return f"The Compose project is {choice.name}: {choice.reason}. {for_plain_compose}"


def _choose(environment: Mapping[str, str], containers: Collection[ProjectContainer]) -> Choice:
    directory = stack_directory(environment)
    remembered = state.recall(directory)
    if known := environment.get(PROJECT_NAME) or remembered.project:
        return Choice(known)
    return choose_project(directory, containers, has_volumes, is_of_earlier_version=remembered.mode == "containers")


def _ports(containers: Iterable[ProjectContainer]) -> dict[str, str]:
    return {f"{each.service.upper()}_PORT": str(port) for each in containers for port in each.ports}
