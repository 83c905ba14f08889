"""Logs: structlog's key-value pairs, readable on a terminal or as JSON lines; the libraries' own logs included.

No secret of the settings is in them, and no credential of a URL: aiohttp's errors have the URL in their text.
"""

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from services import tracing
from services.redaction import redact
from services.settings import Settings
from services.url_secrets import without_url_secrets

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Send everything that is logged to standard output, or another stream, in the configured format."""
    stream = stream or sys.stdout
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared = [*_SHARED, tracing.add_ids] if tracing.is_wanted() else _SHARED
    render = _render(settings)
    # Our own lines do not go through logging: it costs several times as much, on each task.
    structlog.configure(
        processors=[*shared, *render],
        logger_factory=lambda *names: _NamedLogger(stream, *names),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove_meta, *render])
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # They tell of every request at INFO.
    for chatty in ("httpx", "botocore", "aiobotocore", "slack_sdk"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, level))


class _NamedLogger(structlog.WriteLogger):
    def __init__(self, stream: TextIO, name: str = "") -> None:
        super().__init__(stream)
        self.name = name


def _render(settings: Settings) -> list[structlog.typing.Processor]:
    if settings.log_format == "json":
        render: structlog.typing.Processor = structlog.processors.JSONRenderer(serializer=_to_json)
    else:
        render = _console()
    return [structlog.processors.format_exc_info, _hide_url_secrets, render, _redact_line]


# Made once: json.dumps makes one at each call that has a default.
_encode = json.JSONEncoder(default=repr).encode


def _to_json(line: Any, **_options: Any) -> str:
    return _encode(line)


def _hide_url_secrets(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take them out of each value: in the line as a whole a URL's end is hard to tell from JSON's own characters."""
    return {name: _without_url_secrets(value) for name, value in line.items()}


def _without_url_secrets(value: Any) -> Any:
    match value:
        case str():
            return without_url_secrets(value)
        case None | bool() | int() | float():
            return value
        case dict():
            return {name: _without_url_secrets(each) for name, each in value.items()}
        case list() | tuple():
            return [_without_url_secrets(each) for each in value]
        case _:
            return without_url_secrets(repr(value))


def _redact_line(_logger: Any, _method: str, line: Any) -> str:
    """Take the secrets out of the whole line: whatever holds one, be it a value or a traceback, is text by now."""
    return redact(str(line))


def _console() -> structlog.typing.Processor:
    # The default shows local variables with a traceback: they can hold secrets.
    return structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback)
