"""Writes what follows from the code: regions of docker-compose.yml, localstack-init/queues.json, the files in aws/.

They describe the project's own task types. What `TASK_PACKAGES` adds on one machine is no business of theirs.
"""

import json
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from dotenv import dotenv_values

from services.check import PROGRAMS
from services.queues import queues_json
from services.task_types.errors import TaskTypeError
from services.task_types.loading import load_task_types
from stack.aws.generated_files import KUBERNETES, aws_files
from stack.broker.provisioning import QUEUES_FILE, worker_queues
from stack.config import COMPOSE_FILE, ROOT
from stack.containers.compose_file import console_services, worker_command
from stack.environment import LOCAL_ENV
from stack.errors import StackError
from stack.task_types import OWN_PACKAGE

# docker-compose.yml says these itself: an address inside its network is nobody's choice.
SET_BY_COMPOSE_FILE = {
    "ALLOWED_PRIVATE_TARGETS",
    "API_HOST",
    "API_PORT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SQS",
    "CONSOLE_API_DOCS_URL",
    "CONSOLE_API_URL",
    "CONSOLE_HOST",
    "CONSOLE_INBOX_URL",
    "CONSOLE_PORT",
    "CONSOLE_SERVICES",
    "EXAMPLE_RECEIVER_URL",
    "HEALTH_HOST",
    "HEALTH_PORT",
    "LOG_FORMAT",
    "SLACK_API_URL",
}

# Read by OpenTelemetry's SDK itself, not by our settings: those that are set in a shell. All others come by `.env`.
READ_BY_OPENTELEMETRY = {
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
}

# LocalStack's hook makes the queues where the services look for them; the rest is none of LocalStack's business.
READ_BY_HOOK = {"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_SECRET_ACCESS_KEY", "QUEUE_NAME_PREFIX"}


def generate() -> list[Path]:
    """Write each file that is stale, or remove it; return them. Raises `StackError` where one cannot be written."""
    written = stale_files()
    put(written)
    return list(written)


def put(files: Mapping[Path, str | None]) -> None:
    """Write each file, or remove it where there is no text. Raises `StackError` where that cannot be done."""
    for path, text in files.items():
        try:
            _put(path, text)
        except OSError as error:
            line = f"{path} does not follow from the code, and cannot be written ({error.strerror})."
            raise StackError(line) from error


def names(paths: Iterable[Path]) -> str:
    """Name files as they are called from the project's folder."""
    return ", ".join(str(path.relative_to(ROOT)) for path in paths)


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def stale_files() -> dict[Path, str | None]:
    """The files that the code has left behind, with the text that each should have; None: it should not be there."""
    return out_of_date(_rendered_files(), KUBERNETES)


def out_of_date(rendered: Mapping[Path, str], folder: Path) -> dict[Path, str | None]:
    """Those of the rendered files that are not as rendered, and what is in the folder although nothing renders it."""
    stale: dict[Path, str | None] = {
        path: text for path, text in rendered.items() if not path.exists() or path.read_text() != text
    }
    return {**stale, **{path: None for path in folder.glob("*") if path not in rendered}}


def _rendered_files() -> dict[Path, str]:
    all_queues = own_queues_json()
    queues = worker_queues(all_queues)
    compose = COMPOSE_FILE.read_text()
    compose = replace_region(compose, "settings", _settings_lines())
    compose = replace_region(compose, "workers", _worker_lines(queues))
    compose = replace_region(compose, "console", [f'CONSOLE_SERVICES: "{console_services(queues)}"'])
    # Without the settings of any user: what one has set is put in when a template is deployed.
    aws = aws_files(load_task_types([OWN_PACKAGE]), {})
    return {COMPOSE_FILE: compose, QUEUES_FILE: all_queues, **aws}


def own_queues_json(task_packages: str = OWN_PACKAGE) -> str:
    """Raises `StackError` where the code cannot be loaded: with what is wrong, or else with what Python says."""
    try:
        return queues_json(load_task_types([task_packages]))
    except TaskTypeError as error:
        raise StackError(str(error)) from error
    except Exception as error:
        reason = traceback.format_exception_only(error)[-1].strip()
        raise StackError(f"The queues cannot be computed: {reason}", traceback.format_exc()) from error


def replace_region(text: str, name: str, lines: Iterable[str]) -> str:
    """Put the lines between the two comments that mark the region `name`, as far indented as these are."""
    marked = re.compile(
        rf"(?P<begin>^(?P<indent> *)# --- {name}: begin ---\n).*?(?P<end>^ *# --- {name}: end ---\n)",
        re.DOTALL | re.MULTILINE,
    )

    def replace(match: re.Match[str]) -> str:
        content = "".join(f"{match['indent']}{line}\n" if line else "\n" for line in lines)
        return match["begin"] + content + match["end"]

    return marked.sub(replace, text)


def _settings_lines() -> Iterator[str]:
    """Compose reads `${NAME-default}`, and a name alone, from the shell, else from `.env`."""
    defaults = dotenv_values(LOCAL_ENV, interpolate=False)
    names = (_setting_names() | READ_BY_OPENTELEMETRY | defaults.keys()) - SET_BY_COMPOSE_FILE
    yield "x-hook-settings: &hook-settings"
    yield from (_setting_line(name, defaults.get(name)) for name in sorted(names & READ_BY_HOOK))
    yield ""
    yield "x-settings: &settings"
    yield "  <<: *hook-settings"
    yield from (_setting_line(name, defaults.get(name)) for name in sorted(names - READ_BY_HOOK))


def _setting_line(name: str, default: str | None) -> str:
    return f"  {name}:" if default is None else f"  {name}: {json.dumps(f'${{{name}-{default}}}')}"


def _setting_names() -> set[str]:
    """Every setting of the services and of the task types."""
    task_types = load_task_types([OWN_PACKAGE]).values()
    classes = (*PROGRAMS, *(task_type.settings for task_type in task_types))
    return {field.upper() for each in classes for field in each.model_fields}


def _worker_lines(queues: Iterable[str]) -> Iterator[str]:
    for number, queue in enumerate(queues):
        if number:
            yield ""
        yield f"worker-{queue}:"
        yield "  <<: *worker"
        yield f"  command: [{', '.join(worker_command(queue))}]"
