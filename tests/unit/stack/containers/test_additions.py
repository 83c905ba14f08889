"""What the task types of a stack change in docker-compose.yml on this machine."""

from typing import Any

from stack.containers.additions import changed_services

OWN = {"image": "i", "build": {"context": "."}, "environment": {"LOG_LEVEL": None}}
SERVICES: dict[str, Any] = {
    "localstack": {"image": "localstack"},
    "api": OWN,
    "console": OWN,
    "worker-calculation": {**OWN, "command": ["python", "-m", "services.worker", "calculation"], "mem_limit": "512m"},
}


def test_a_queue_without_a_worker_has_one_like_the_others_but_for_its_command() -> None:
    changes = changed_services(SERVICES, ["calculation", "mail"], [], None)

    command = ["python", "-m", "services.worker", "mail"]
    assert changes["worker-mail"] == {**SERVICES["worker-calculation"], "command": command}


def test_the_console_asks_them_all() -> None:
    changes = changed_services(SERVICES, ["calculation", "mail"], [], None)

    assert "worker-mail=http://worker-mail:8081" in changes["console"]["environment"]["CONSOLE_SERVICES"]
    assert changes.keys() == {"console", "worker-mail"}


def test_a_worker_whose_task_type_is_not_there_is_started_by_nobody() -> None:
    changes = changed_services(SERVICES, ["mail"], [], None)

    assert changes["worker-calculation"] == {"profiles": ["not-in-task-packages"]}
    assert "worker-calculation" not in changes["console"]["environment"]["CONSOLE_SERVICES"]


def test_what_a_task_type_reads_is_handed_on_to_all_containers_of_the_image_and_to_new_workers() -> None:
    changes = changed_services(SERVICES, ["calculation", "mail"], ["LOG_LEVEL", "SMTP_HOST"], None)

    assert changes["api"]["environment"] == {"SMTP_HOST": None}
    assert changes["worker-mail"]["environment"] == {"LOG_LEVEL": None, "SMTP_HOST": None}
    assert "localstack" not in changes


def test_a_project_builds_its_image_on_that_of_the_stack() -> None:
    changes = changed_services(SERVICES, ["calculation", "mail"], [], "acme-stack")

    assert changes["api"]["build"] == {"args": {"STACK_IMAGE": "acme-stack"}}
    assert changes["worker-mail"]["build"] == {"context": ".", "args": {"STACK_IMAGE": "acme-stack"}}


def test_what_the_services_say_themselves_is_untouched() -> None:
    changed_services(SERVICES, ["mail"], ["SMTP_HOST"], "acme-stack")

    assert OWN == {"image": "i", "build": {"context": "."}, "environment": {"LOG_LEVEL": None}}
