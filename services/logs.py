"""Logs: structlog's key-value pairs, readable on a terminal or as JSON lines; the libraries' own logs included.

No secret of the settings is in them.
"""

import logging
import sys
from typing import Any, TextIO

import structlog

from services.redaction import redact
from services.settings import Settings

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Send everything that is logged to standard output, or another stream, in the configured format."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=_render(settings)))
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    # They tell of every request at INFO.
    for chatty in ("httpx", "botocore", "aiobotocore", "slack_sdk"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))


def _render(settings: Settings) -> list[structlog.typing.Processor]:
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if settings.log_format == "json":
        return [remove_meta, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(), _redact_line]
    return [remove_meta, _console(), _redact_line]


def _redact_line(_logger: Any, _method: str, line: Any) -> str:
    """Take the secrets out of the whole line: whatever holds one, be it a value or a traceback, is text by now."""
    return redact(str(line))


def _console() -> structlog.typing.Processor:
    # The default shows local variables with a traceback: they can hold secrets.
    return structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback)
