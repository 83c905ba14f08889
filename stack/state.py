"""What a stack remembers of itself in its directory: how it was started, so that every later command finds it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import get_args

from stack.brokers import Broker
from stack.config import PROJECT, PROJECT_NAME, Mode, StackSettings
from stack.errors import StackError
from stack.whole_file import write_whole

# Besides its ports: by these its containers and its queues are found.
FINDING = (
    "BROKER",
    PROJECT_NAME,
    "COMPOSE_FILE",
    "COMPOSE_PROFILES",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "QUEUE_NAME_PREFIX",
)


@dataclass(frozen=True)
class Remembered:
    """What the last `up` or `down` has noted."""

    mode: Mode | None = None
    """In which the stack was started; None where nothing of it runs."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Those by which it is found, empty where unset; none where an earlier version has noted the mode alone."""
    folder: str = str(PROJECT)
    """The clone, or the project, whose command it was."""
    stopped_mode: Mode | None = None
    """In which the stack ran that was stopped; None where one runs."""

    @property
    def project(self) -> str:
        """The Compose project, of a stopped stack too, as it has the receiver's data; empty where there was none."""
        return self.settings.get(PROJECT_NAME, "")

    def applied_to(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment in which the stack was started, as far as it is found by it."""
        # Where an earlier version has started it, there was no choice of a broker to be noted.
        noted = {"BROKER", *self.settings}
        others = {name: value for name, value in environment.items() if name not in noted}
        return others | {name: value for name, value in self.settings.items() if value}


def remember(settings: StackSettings) -> None:
    """Called before anything starts, so that `down` finds even what started by half."""
    ports = {name: str(port) for name, port in (settings.ports | settings.observability_ports).items()}
    finding = {name: settings.environment.get(name, "") for name in FINDING}
    _write(settings.directory, Remembered(settings.mode, ports | finding | {PROJECT_NAME: _project(settings)}))


def remember_stopped(settings: StackSettings) -> None:
    """Called when nothing of the stack runs any more."""
    _write(settings.directory, Remembered(None, {PROJECT_NAME: _project(settings)}, stopped_mode=settings.mode))


def recall(directory: Path, this_clone: Path = PROJECT) -> Remembered:
    """What is remembered in the stack's directory; nothing of it counts where it was copied from another clone.

    Raises `StackError` where another clone's stack runs from this very directory.
    """
    remembered = _read(directory)
    clone = Path(remembered.folder)
    # A clone that was moved has left no folder behind.
    if clone == this_clone or not clone.is_dir():
        return remembered
    if remembered.mode is None or directory.is_relative_to(this_clone):
        return Remembered()
    raise StackError(
        f"{directory} is the directory of the stack that {clone} has started: use its commands there, "
        f"or give this one a STACK_DIR of its own."
    )


def saved_messages_file(directory: Path) -> Path:
    """Where the messages of the stack of this directory are kept between `down` and `up`."""
    return directory / "saved-messages.json"


def has_saved_messages(directory: Path) -> bool:
    """Whether a stack was stopped with something queued that was saved."""
    return saved_messages_file(directory).exists()


@dataclass(frozen=True)
class KeptMessages:
    """What a broker that keeps its messages had in its queues when it was stopped."""

    broker: str
    messages: int | None
    """None where it could not be asked any more."""

    def __str__(self) -> str:
        """Say it in a line."""
        if self.messages is None:
            return f"{self.broker} keeps what was in its queues: `BROKER={self.broker} make up` goes on with it."
        number = f"{self.messages} message{'s' if self.messages != 1 else ''}"
        return f"{self.broker} keeps {number} in its queues: `BROKER={self.broker} make up` goes on with them."


def note_kept_messages(directory: Path, broker: Broker, messages: int | None) -> KeptMessages | None:
    """Note what a broker keeps that is about to end, for other commands; return it where that is something."""
    kept = KeptMessages(broker.name, messages)
    if messages == 0:
        _kept_messages_file(directory).unlink(missing_ok=True)
        return None
    write_whole(_kept_messages_file(directory), json.dumps(asdict(kept)))
    return kept


def kept_messages(directory: Path) -> KeptMessages | None:
    """What a broker keeps that was stopped last; None where it is nothing."""
    file = _kept_messages_file(directory)
    return KeptMessages(**json.loads(file.read_text())) if file.exists() else None


def left_something_queued(directory: Path) -> bool:
    """Whether a stack was stopped with something queued: saved, or kept by its broker."""
    return has_saved_messages(directory) or _kept_messages_file(directory).exists()


def _project(settings: StackSettings) -> str:
    """A native stack has none, but may have left the data of one."""
    return settings.project if settings.mode == "containers" else recall(settings.directory).project


def _read(directory: Path) -> Remembered:
    file = _file(directory)
    if file.exists():
        return Remembered(**json.loads(file.read_text()))
    by_earlier_version = _mode_file(directory)
    if not by_earlier_version.exists():
        return Remembered()
    modes: tuple[Mode, ...] = get_args(Mode)
    return Remembered(next((mode for mode in modes if mode == by_earlier_version.read_text()), None))


def _write(directory: Path, remembered: Remembered) -> None:
    write_whole(_file(directory), json.dumps(asdict(remembered), indent=1))
    _mode_file(directory).unlink(missing_ok=True)


def _file(directory: Path) -> Path:
    return directory / "stack.json"


def _kept_messages_file(directory: Path) -> Path:
    return directory / "kept-messages.json"


def _mode_file(directory: Path) -> Path:
    return directory / "mode"
