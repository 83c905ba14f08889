"""Which processes a native stack has, and how supervisord is to run them."""

import json
from configparser import RawConfigParser
from itertools import count
from pathlib import Path

import pytest

from stack import brokers
from stack.brokers import Broker
from stack.config import StackSettings
from stack.errors import StackError
from stack.native.broker_processes import ProvisionedProcess, provisioned_readiness
from stack.native.program import Program
from stack.native.supervisor import LONGEST_SOCKET_PATH, render, socket_path
from stack.native.workforce import ServiceProcesses
from stack.readiness import READY, Readiness

QUEUES = json.dumps(
    {
        "queues": [
            {"name": "data", "consumer": "worker"},
            {"name": "data-dlq", "consumer": "dlq_watcher"},
            {"name": "callbacks", "consumer": "worker"},
            {"name": "undelivered", "consumer": None},
        ]
    }
)


def planned(**environment: str) -> dict[str, Program]:
    settings = StackSettings("native", environment=environment)
    return {program.name: program for program in ServiceProcesses().programs(settings, QUEUES, count(8081))}


def test_each_queue_that_a_worker_consumes_has_one_and_all_dlqs_share_a_watcher() -> None:
    assert list(planned()) == [
        "localstack",
        "receiver",
        "api",
        "worker-data",
        "worker-callbacks",
        "dlq-watcher",
        "console",
    ]


def test_each_service_has_a_health_port_of_its_own() -> None:
    environments = {name: program.environment for name, program in planned().items()}

    assert {name: each["HEALTH_PORT"] for name, each in environments.items() if "HEALTH_PORT" in each} == {
        "api": "8081",
        "worker-data": "8082",
        "worker-callbacks": "8083",
        "dlq-watcher": "8084",
    }


def test_the_console_starts_last_and_knows_where_to_ask_each_service() -> None:
    assert list(planned())[-1] == "console"
    assert planned()["console"].environment["CONSOLE_SERVICES"].split(",") == [
        "api=http://127.0.0.1:8081",
        "worker-data=http://127.0.0.1:8082",
        "worker-callbacks=http://127.0.0.1:8083",
        "dlq-watcher=http://127.0.0.1:8084",
    ]


def test_the_console_links_to_the_stacks_own_api_and_inbox_unless_set_otherwise() -> None:
    own = planned()["console"].environment
    environment = planned(CONSOLE_INBOX_URL="http://inbox.example")["console"].environment

    assert (own["CONSOLE_API_URL"], own["CONSOLE_INBOX_URL"]) == ("http://localhost:8000", "http://localhost:9000")
    assert environment["CONSOLE_INBOX_URL"] == "http://inbox.example"


def test_a_consumer_is_killed_only_after_its_long_poll_its_drain_and_what_it_settles_then() -> None:
    worker = planned(SQS_WAIT_TIME_SECONDS="4", DRAIN_TIMEOUT_SECONDS="6.5")["worker-data"]

    assert worker.stop_seconds > 4 + 6.5 + 10


def test_a_drain_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(StackError, match=r"^DRAIN_TIMEOUT_SECONDS=soon is not a number"):
        planned(DRAIN_TIMEOUT_SECONDS="soon")


def test_a_directory_with_a_percent_sign_and_a_space_is_no_trouble_for_supervisord() -> None:
    directory = Path("/tmp/100% mine")  # noqa: S108

    parser = RawConfigParser()
    parser.read_string(render(directory, [Program("api", ["/tmp/100% mine/python", "-m", "api"], "http://x")]))  # noqa: S108

    assert parser["program:api"]["command"] == "'/tmp/100%% mine/python' -m api"
    assert parser["program:api"]["stdout_logfile"] == "logs/api.log"


def test_what_is_stopped_by_sigkill_takes_what_it_has_begun_along_and_nothing_else_does() -> None:
    parser = RawConfigParser()
    parser.read_string(render(Path("/stack"), planned().values()))

    as_group = {name for name in planned() if parser[f"program:{name}"].getboolean("stopasgroup")}
    assert as_group == {name for name, program in planned().items() if program.stop_signal == "KILL"} == {"localstack"}


def test_the_socket_of_a_deep_directory_has_a_path_short_enough() -> None:
    deep = Path("/") / "/".join(["directory"] * 20)

    assert len(str(socket_path(deep))) <= LONGEST_SOCKET_PATH
    assert socket_path(deep) != socket_path(deep / "other")


@pytest.mark.parametrize("broker", [brokers.MOTO, brokers.MINISTACK, brokers.FAUXQS], ids=lambda broker: broker.name)
def test_another_broker_takes_localstacks_place_behind_what_makes_its_queues(broker: Broker, tmp_path: Path) -> None:
    settings = StackSettings("native", localstack_port=4567, directory=tmp_path, broker=broker)

    first, *_ = ServiceProcesses().programs(settings, QUEUES, count(8081))

    assert first.name == broker.name
    assert first.command[1:3] == ["-m", "stack.native.provisioned_broker"]
    assert "4567" in [*first.command, first.environment.get("GATEWAY_PORT")]
    assert first.environment[f"{broker.name.upper()}_PORT"] == "4567"


def test_a_broker_is_ready_when_its_queues_are_made_and_has_failed_where_they_cannot_be(tmp_path: Path) -> None:
    mark = tmp_path / "provisioned"

    assert provisioned_readiness(mark).verdict == "not yet"
    mark.write_text("its queues cannot be made: no room")
    assert provisioned_readiness(mark) == Readiness("failed", "its queues cannot be made: no room")
    mark.write_text("provisioned")
    assert provisioned_readiness(mark) == READY


def test_a_broker_on_which_task_types_find_other_services_of_aws_is_localstack_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stack.native.broker_processes.aws_services_of", lambda _task_types: ["s3"])

    with pytest.raises(StackError, match="The task types call s3, for which the stack has LocalStack alone: leave"):
        ProvisionedProcess().install(StackSettings("native", broker=brokers.MOTO))
