"""The command `down`: stops the stack, and saves what is queued."""

from stack import state
from stack.commands.lock import alone
from stack.commands.once_begun import finished_once_begun
from stack.config import StackSettings, stack_directory
from stack.environment import merged_environment
from stack.mode import mode_of_running
from stack.running import running_settings
from stack.terminal import OnProgress, say, say_aside, show_json


def down(*, force: bool, as_json: bool) -> None:
    """Stop the stack, and save what is queued. Raises `StackError` where it cannot be saved and nothing forces it."""
    on_progress = say_aside if as_json else say
    with alone("make down", stack_directory(merged_environment()), on_progress), finished_once_begun(on_progress):
        settings = running_settings(merged_environment())
        services = mode_of_running(settings.mode).ps(settings) if settings and as_json else []
        if settings:
            stop(settings, on_progress, force=force)
        if as_json:
            show_json({"stopped": [service.name for service in services]})
        else:
            say("Everything is stopped." if settings else "Nothing of the stack runs.")


def stop(settings: StackSettings, on_progress: OnProgress, *, force: bool) -> None:
    """Stop a stack of whichever mode. Raises as `down` does."""
    mode_of_running(settings.mode).down(settings, on_progress, force=force)
    state.remember_stopped(settings)
