"""`python -m services.check`: whether the services can start, asked before a running stack is stopped for them."""

from services.runtime.boot import boot
from services.settings import ApiSettings, ConsoleSettings, WatcherSettings, WorkerSettings, load_settings


def main() -> None:
    """End with a line that names the setting, or the package, that would keep a service from starting."""
    boot(WorkerSettings)
    for settings_class in (WatcherSettings, ApiSettings, ConsoleSettings):
        load_settings(settings_class)


if __name__ == "__main__":
    main()
