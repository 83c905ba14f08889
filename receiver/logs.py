"""Logs in the services' format: key-value pairs, readable on a terminal or as JSON lines; uvicorn's own included.

To log raises nothing, whatever is logged and whether or not it can be written.
"""

import logging
import sys
from typing import Any

import simplejson
import structlog

from receiver.settings import Settings
from services.streams.output import LineHandler, protect, text_of

_SHARED: list[structlog.typing.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(settings: Settings) -> None:
    """Send everything that is logged to standard output in the configured format."""
    handler = LineHandler(protect("stdout"))
    level = logging.getLevelNamesMapping()[settings.log_level]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_render(settings)],
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def _render(settings: Settings) -> list[structlog.typing.Processor]:
    if settings.log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_to_json)]
    return [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]


def _to_json(line: Any, **_options: Any) -> str:
    return simplejson.dumps(line, default=text_of)
