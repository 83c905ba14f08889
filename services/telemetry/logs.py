"""Logs: structlog's key-value pairs, readable on a terminal or as JSON lines; the libraries' own logs included.

No secret of the settings is in them, and no credential of a URL: aiohttp's errors have the URL in their text. To log
raises nothing, whatever is logged and whether or not it can be written.
"""

import json
import logging
from collections.abc import MutableMapping, Sequence
from types import NoneType
from typing import Any

import structlog

from services.settings import Settings
from services.streams.output import LineHandler, Output, text_of
from services.telemetry import log_context, tracing
from services.telemetry.redaction import redact, without_url_secrets

_SHARED: list[structlog.typing.Processor] = [
    log_context.merge,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(settings: Settings, output: Output) -> None:
    """Send everything that is logged to the output, in the configured format."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared = [*_SHARED, tracing.add_ids] if tracing.is_wanted() else _SHARED
    render = _render(settings, output)
    # Our own lines do not go through logging: it costs several times as much, on each task.
    structlog.configure(
        processors=[*shared, *render],
        logger_factory=lambda *names: _NamedOutput(output, *names),
        wrapper_class=type("Logger", (_Logger, structlog.make_filtering_bound_logger(level)), {}),
        cache_logger_on_first_use=True,
    )
    handler = LineHandler(output)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove_meta, *render])
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # They log every request at INFO.
    for chatty in ("httpx2", "botocore", "aiobotocore", "slack_sdk", "mangum"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, level))


class _NamedOutput:
    """What structlog takes for a logger: its name, and where its lines go."""

    def __init__(self, output: Output, name: str = "") -> None:
        self.name = name
        self.write_line = output.write_line


class _Logger(structlog.BoundLoggerBase):
    """Renders and writes a line. Of values that cannot be rendered it writes what they say of themselves."""

    def _proxy_to_logger(self, method_name: str, event: str | None = None, **values: Any) -> None:
        try:
            line = self._line_of(method_name, event, values) or self._plain_line_of(method_name, event, values)
        except structlog.DropEvent:
            return
        self._logger.write_line(line)

    def _plain_line_of(self, method_name: str, event: str | None, values: dict[str, Any]) -> str:
        texts = {name: value if name == "exc_info" else text_of(value) for name, value in values.items()}
        return self._line_of(method_name, text_of(event), texts) or redact(text_of(event))

    def _line_of(self, method_name: str, event: str | None, values: dict[str, Any]) -> str | None:
        """Return the line; None where something in it raises when it is asked for its text."""
        try:
            lines: Sequence[str] = self._process_event(method_name, event, values)[0]
        except Exception:  # noqa: BLE001  # it may raise whatever it likes
            return None
        return lines[0]


def _render(settings: Settings, output: Output) -> list[structlog.typing.Processor]:
    if settings.log_format == "json":
        return [structlog.processors.format_exc_info, _hide_url_secrets, _to_json]
    return [structlog.processors.format_exc_info, _hide_url_secrets, _console(output), _redact_line]


# Made once: json.dumps makes one at each call that has a default.
_encode = json.JSONEncoder(default=text_of).encode


def _to_json(_logger: Any, _method: str, line: Any) -> str:
    return redact(_encode(line))


_NO_TEXT = frozenset({NoneType, bool, int, float})


def _hide_url_secrets(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take them out of each value: in the line as a whole JSON's own characters could belong to a URL's end."""
    for name, value in line.items():
        # Few values have a URL, and each line would pay for the calls.
        if value.__class__ in _NO_TEXT or (value.__class__ is str and "://" not in value):
            continue
        line[name] = _without_url_secrets(value)
    return line


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
            return without_url_secrets(text_of(value))


def _redact_line(_logger: Any, _method: str, line: Any) -> str:
    """Take the secrets out of the whole line: whatever holds one, be it a value or a traceback, is text by now."""
    return redact(str(line))


def _console(output: Output) -> structlog.typing.Processor:
    # The default shows local variables with a traceback: they can hold secrets.
    return structlog.dev.ConsoleRenderer(colors=output.isatty(), exception_formatter=structlog.dev.plain_traceback)
