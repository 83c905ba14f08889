"""A third task type is one new file: its route, documentation, queues and consumers follow from it."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from uuid import uuid4

import httpx2
import pytest
from pydantic import HttpUrl

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.dlq_watcher.__main__ import make_components as make_watcher_components
from services.dlq_watcher.settings import WatcherSettings
from services.queueing.definition import QueueDefinition
from services.queues import ALERTS, CALLBACKS, UNDELIVERED, define_queues
from services.runtime.boot import Booted
from services.runtime.resources import Resources, open_resources
from services.settings import Settings
from services.task_types.errors import TaskTypeError
from services.task_types.loading import TaskTypes, load_task_types
from services.worker.__main__ import make_consumers as make_worker_consumers
from services.worker.settings import WorkerSettings
from stack.config import ROOT

DAY = 86_400

SHOUT = """
    from services.task_types.task_type import TaskItem, TaskType

    class ShoutItem(TaskItem):
        '''A text to be shouted.'''

        text: str

    async def run(item, context):
        return item.text.upper()

    TASK_TYPE = TaskType(
        name="shout",
        route="/v1/text/shout",
        summary="Shout a text",
        item=ShoutItem,
        run=run,
        example=[{"name": "a", "text": "see {receiver}/here"}],
        max_attempts=4,
    )
"""


class Package:
    """A package of task types in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.name = f"more_tasks_{uuid4().hex}"
        self._folder = folder / self.name
        self._folder.mkdir()
        self.add("__init__", "")

    def add(self, module: str, code: str) -> None:
        (self._folder / f"{module}.py").write_text(dedent(code))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    monkeypatch.syspath_prepend(tmp_path)
    package = Package(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[name]


@pytest.fixture
def task_types(package: Package) -> TaskTypes:
    package.add("shout", SHOUT)
    package.add("no_task_type", "TASK_TYPE = 'not one'")
    package.add("helpers", "")
    return load_task_types(["services.tasks", package.name])


@pytest.fixture
async def resources(task_types: TaskTypes) -> AsyncIterator[Resources]:
    settings = WorkerSettings(aws_endpoint_url=HttpUrl("http://127.0.0.1:1"))
    async with open_resources(settings, task_types) as opened:
        yield opened


def test_a_module_that_defines_a_task_type_is_found_and_no_other(task_types: TaskTypes) -> None:
    assert set(task_types) - set(load_task_types(["services.tasks"])) == {"shout"}


async def test_its_route_is_documented_with_an_example_that_runs_as_it_is(task_types: TaskTypes) -> None:
    app = create_app(ApiSettings(example_receiver_url=HttpUrl("http://receiver:9000/callback")), task_types)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://api") as client:
        documentation = (await client.get("/openapi.json")).json()

    operation = documentation["paths"]["/v1/text/shout"]["post"]
    assert (operation["summary"], operation["description"]) == ("Shout a text", "A text to be shouted.")
    [example] = operation["requestBody"]["content"]["application/json"]["examples"].values()
    assert example["value"] == {
        "callback_url": "http://receiver:9000/callback",
        "message": [{"name": "a", "text": "see http://receiver:9000/here"}],
    }
    task_types["shout"].request_model.model_validate(example["value"])


def test_its_queue_and_its_dead_letter_queue_are_defined(task_types: TaskTypes) -> None:
    queues = define_queues(task_types)

    assert queues["shout"] == QueueDefinition("shout", "worker", 4, "shout-dlq", None, 4 * DAY, 360, 2160)
    assert queues["shout-dlq"] == QueueDefinition(
        "shout-dlq", "dlq_watcher", None, UNDELIVERED, "shout", 14 * DAY, 60, 360
    )


def test_a_worker_consumes_its_queue(task_types: TaskTypes, resources: Resources) -> None:
    [consumer] = make_worker_consumers("shout", Booted(WorkerSettings(), task_types, {"shout": Settings()}), resources)

    assert consumer.unready_reason() == "shout: no successful receive yet"


def test_the_watcher_consumes_its_dead_letter_queue(task_types: TaskTypes, resources: Resources) -> None:
    components = make_watcher_components(WatcherSettings(), task_types, resources)

    assert [reason for component in components if (reason := component.unready_reason())] == [
        *(f"{name}-dlq: no successful receive yet" for name in (*task_types, CALLBACKS)),
        "alerts: no successful receive yet",
    ]


def test_the_queues_are_printed_for_those_that_cannot_import_them(package: Package, tmp_path: Path) -> None:
    package.add("shout", SHOUT)
    printed = subprocess.run(
        [sys.executable, "-m", "services.queues"],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}", "TASK_PACKAGES": package.name},
        capture_output=True,
        timeout=30,
        check=True,
    )

    queues = {queue["name"]: queue for queue in json.loads(printed.stdout)["queues"]}
    assert list(queues) == ["shout", "shout-dlq", "callbacks", "callbacks-dlq", "alerts", "undelivered"]
    assert queues["shout"] == {
        "name": "shout",
        "consumer": "worker",
        "max_attempts": 4,
        "dead_letter_queue": "shout-dlq",
        "source_queue": None,
        "retention_seconds": 4 * DAY,
        "function_timeout_seconds": 360,
        "visibility_timeout_seconds": 2160,
    }


def test_the_queues_of_the_services_own_task_types() -> None:
    queues = define_queues(load_task_types(["services.tasks"]))

    expected = {
        "calculation": ("worker", 3, "calculation-dlq"),
        "calculation-dlq": ("dlq_watcher", None, "undelivered"),
        "data": ("worker", 1, "data-dlq"),
        "data-dlq": ("dlq_watcher", None, "undelivered"),
        "callbacks": ("worker", 7, "callbacks-dlq"),
        "callbacks-dlq": ("dlq_watcher", None, "undelivered"),
        "alerts": ("dlq_watcher", None, "undelivered"),
        "undelivered": (None, None, None),
    }
    assert {
        name: (queues[name].consumer, queues[name].max_attempts, queues[name].dead_letter_queue) for name in expected
    } == expected


@pytest.mark.parametrize(
    ("old", "new"), [("shout", "calculation"), ("/v1/text/shout", "/v1/calculation/basic")], ids=["name", "route"]
)
def test_two_task_types_of_one_name_or_route_are_refused(package: Package, old: str, new: str) -> None:
    package.add("shout", SHOUT.replace(f'"{old}"', f'"{new}"'))

    with pytest.raises(ValueError, match=r"two task types share the name .* or the route") as refused:
        load_task_types(["services.tasks", package.name])
    assert f"'{new}'" in str(refused.value)


@pytest.mark.parametrize("name", [ALERTS, CALLBACKS, UNDELIVERED])
def test_the_names_of_the_services_own_queues_are_refused(package: Package, name: str) -> None:
    package.add("shout", SHOUT.replace('"shout"', f'"{name}"'))

    with pytest.raises(ValueError, match=f"task type '{name}': the name is taken"):
        define_queues(load_task_types([package.name]))


def test_a_name_that_sqs_cannot_take_is_refused(package: Package) -> None:
    package.add("shout", SHOUT.replace('"shout"', '"shout out"'))

    with pytest.raises(ValueError, match="task type 'shout out': a name has 1 to 48 lower-case letters"):
        load_task_types([package.name])


def test_a_package_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="TASK_PACKAGES: there is no package 'no_such_tasks'"):
        load_task_types(["no_such_tasks"])


def test_a_module_in_the_place_of_a_package_is_refused() -> None:
    module: ModuleType = json.decoder
    with pytest.raises(ValueError, match=r"TASK_PACKAGES: 'json\.decoder' is a module; name the package that it is in"):
        load_task_types([module.__name__])


def test_an_example_that_does_not_fit_its_item_is_refused(package: Package) -> None:
    package.add("shout", SHOUT.replace("text: str", "txt: str"))

    with pytest.raises(
        ValueError, match=r"^task type 'shout': item 0 of its example does not fit: txt: Field required"
    ):
        load_task_types([package.name])


def test_what_is_refused_is_told_with_the_place_where_it_is_declared(package: Package, tmp_path: Path) -> None:
    package.add("shout", SHOUT.replace("max_attempts=4", "max_attempts=0"))
    package.add("aloud", f"from {package.name} import shout")

    with pytest.raises(TaskTypeError, match=r"^task type 'shout': max_attempts goes from") as refused:
        load_task_types([package.name])

    place = f"({tmp_path / package.name / 'shout.py'}, line "
    assert str(refused.value).count(place) == 1


def test_what_a_module_raises_itself_comes_as_it_is(package: Package) -> None:
    package.add("shout", "int('many')")

    with pytest.raises(ValueError, match=r"^invalid literal for int") as raised:
        load_task_types([package.name])

    assert not isinstance(raised.value, TaskTypeError)
