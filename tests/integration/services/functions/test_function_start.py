"""How a function starts: what cannot work ends it with a line that says what to change."""

import json
from pathlib import Path

import pytest
from function_runtime import InitError

from tests.integration.services.conftest import Broker
from tests.integration.services.functions.conftest import running_function

WORKER = "services.worker.aws_lambda.handler"
WATCHER = "services.dlq_watcher.aws_lambda.handler"
API = "services.api.aws_lambda.handler"


@pytest.mark.parametrize(
    ("handler", "settings", "line"),
    [
        (WORKER, {}, "WORKER_QUEUE: Field required"),
        (WORKER, {"worker_queue": "nothing"}, "WORKER_QUEUE: there is no queue 'nothing' for a worker"),
        (
            WORKER,
            {"worker_queue": "data", "task_timeout_seconds": 300},
            "FUNCTION_TIMEOUT_SECONDS (15) must be at least 312: an attempt may take 306.012 seconds (TASK_TIMEOUT",
        ),
        (
            WORKER,
            {"worker_queue": "callbacks", "callback_timeout_seconds": 20},
            "FUNCTION_TIMEOUT_SECONDS (15) must be at least 26",
        ),
        (
            WATCHER,
            {"visibility_timeout_seconds": 14, "heartbeat_seconds": 1},
            "VISIBILITY_TIMEOUT_SECONDS (14) must be at least FUNCTION_TIMEOUT_SECONDS (15)",
        ),
        (
            WATCHER,
            {"function_timeout_seconds": 901},
            "FUNCTION_TIMEOUT_SECONDS: Input should be less than or equal to 900",
        ),
        (API, {}, "API_KEYS must be set: the function's URL is public"),
    ],
)
def test_settings_that_do_not_fit_are_refused_with_one_line(
    handler: str, settings: dict[str, object], line: str, tmp_path: Path
) -> None:
    with running_function(handler, settings, tmp_path) as function:
        with pytest.raises(InitError, match="exit status 78"):
            function.runtime.start()
        lines = [line for line in function.log.read_text().splitlines() if line.startswith("cannot start: ")]

    assert len(lines) == 1
    assert line in lines[0]


def test_a_handler_that_cannot_be_imported_is_reported_by_the_runtime(tmp_path: Path) -> None:
    with (
        running_function("services.worker.no_such.handler", {}, tmp_path) as function,
        pytest.raises(InitError) as raised,
    ):
        function.runtime.start()

    assert json.loads(str(raised.value))["errorType"] == "Runtime.ImportModuleError"


@pytest.mark.parametrize(("handler", "settings"), [(WORKER, {"worker_queue": "calculation"}), (WATCHER, {}), (API, {})])
async def test_nothing_that_is_loaded_is_searched_for_garbage(
    broker: Broker, handler: str, settings: dict[str, object], tmp_path: Path
) -> None:
    module, _, name = handler.rpartition(".")
    (tmp_path / "observed.py").write_text(
        "import gc\n"
        "generations = []\n"
        "gc.callbacks.append(lambda phase, about: generations.append(about['generation']))\n"
        f"from {module} import {name}\n"
        "seen = list(generations)\n"
        "def handler(event, context):\n"
        "    return seen\n"
    )
    with running_function("observed.handler", {**broker.environment, **settings}, tmp_path) as function:
        answer = await function.invoke({})

    # A few of the youngest, before the first line of the handler's module.
    assert [generation for generation in json.loads(answer.body) if generation > 0] == []
