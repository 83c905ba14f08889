"""What is said once containers are deployed."""

from services.task_types.loading import load_task_types
from stack.aws.containers_target import Containers
from stack.aws.target import Services

SERVICES = Services(load_task_types(["services.tasks"]), ["services.tasks"], {})
AWS = "https://cloudformation.eu-central-1.amazonaws.com"


def welcome(url: str) -> str:
    return "\n".join(Containers("x86_64").welcome("tasks", {"ApiUrl": url}, SERVICES, AWS))


def test_who_has_no_certificate_hears_that_keys_can_be_read_on_the_way() -> None:
    said = welcome("http://tasks-1.eu-central-1.elb.amazonaws.com")

    assert "tasks is deployed. Its API takes tasks at http://tasks-1.eu-central-1.elb.amazonaws.com\n" in said
    assert "It speaks HTTP, so that who is on the way reads keys and tasks." in said
    assert "curl http://tasks-1.eu-central-1.elb.amazonaws.com/v1/" in said


def test_who_has_a_certificate_hears_that_its_name_has_to_lead_to_the_load_balancer() -> None:
    said = welcome("https://tasks-1.eu-central-1.elb.amazonaws.com")

    assert "let that lead to the host above (by a CNAME record)" in said
    assert "HTTP," not in said
