"""`python -m services.check`: whether the services can start, asked before a running stack is stopped for them."""

from services.api.settings import ApiSettings
from services.console.settings import ConsoleSettings
from services.dlq_watcher.settings import WatcherSettings
from services.settings import Settings, load_settings
from services.worker.settings import WorkerSettings

PROGRAMS: tuple[type[Settings], ...] = (WorkerSettings, WatcherSettings, ApiSettings, ConsoleSettings)
"""What each program of the services reads."""


def main() -> None:
    """End with a line that names the setting, or the package, that would keep a service from starting."""
    # Imported where it is used: what only wants to know what the programs read needs no client of AWS.
    from services.runtime.boot import boot  # noqa: PLC0415

    task_types = boot(WorkerSettings).task_types
    for settings_class in (*PROGRAMS, *(task_type.settings for task_type in task_types.values())):
        load_settings(settings_class)


if __name__ == "__main__":
    main()
