"""`python -m services.check`: whether the services can start, asked before a running stack is stopped for them."""

from services.api.settings import ApiSettings
from services.console.settings import ConsoleSettings
from services.dlq_watcher.settings import WatcherSettings
from services.runtime.boot import boot
from services.settings import load_settings
from services.worker.settings import WorkerSettings


def main() -> None:
    """End with a line that names the setting, or the package, that would keep a service from starting."""
    boot(WorkerSettings)
    for settings_class in (WatcherSettings, ApiSettings, ConsoleSettings):
        load_settings(settings_class)


if __name__ == "__main__":
    main()
