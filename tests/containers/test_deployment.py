"""`deploy --target containers` by real Docker and the SAM CLI; what LocalStack has not of AWS it passes over: ECS, and
the load balancer. Its registry is one of ours.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.queues import define_queues
from services.task_types.loading import load_task_types
from stack.aws.deployed_stack import find_stack
from stack.config import ROOT
from stack.interpreter import environment_beside
from tests.aws.shell import API_KEY, Shell, shell_that_leads_to
from tests.containers.image_registry import ImageRegistry, running_registry
from tests.integration.conftest import running_localstack

STACK = "tasks"
_SERVICES = "sqs,cloudformation,cloudwatch,secretsmanager,ssm,sts,s3,iam,logs,ec2"
_QUEUES = {f"{STACK}-{name}" for name in define_queues(load_task_types(["services.tasks"]))}


@dataclass(frozen=True)
class Account:
    """An account of AWS, and who deploys to it."""

    shell: Shell
    registry: ImageRegistry

    def deploy(self, *options: str, stack: str = STACK, **settings: str) -> str:
        """Return what the command prints. It must succeed."""
        done = self.shell.run("deploy", "--target", "containers", "--stack", stack, *options, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def queues(self) -> set[str]:
        return {url.rpartition("/")[2] for url in self.shell.client("sqs").list_queues().get("QueueUrls", [])}

    def parameters(self) -> dict[str, str]:
        """Those that the stack has."""
        found = find_stack(self.shell.client("cloudformation"), STACK)
        return dict(found.parameters) if found else {}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    directory = tmp_path_factory.mktemp("account")
    localstack = {"SERVICES": _SERVICES, "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "1"}
    with pytest.MonkeyPatch.context() as patch, running_registry() as registry:
        patch.setenv("LOCALSTACK_PYTHON", str(environment_beside("localstack-functions") / "bin" / "python"))
        queues = json.dumps({"queues": []})
        with running_localstack(directory / "localstack", queues, settings=localstack) as (url, readiness):
            assert readiness.verdict == "ready", readiness.reason
            ecr = f"http://{registry.address}"
            yield Account(shell_that_leads_to(url, directory, AWS_ENDPOINT_URL_ECR=ecr), registry)


@dataclass(frozen=True)
class Deployed:
    """What came of a dry run where nothing was yet, and of the deployment after it."""

    tried: str
    left_by_trial: tuple[set[str], dict[str, list[str]]]
    shown: str


@pytest.fixture(scope="module")
def deployed(account: Account) -> Deployed:
    """Deploy where nothing is."""
    tried = account.deploy("--dry-run")
    left = (account.queues(), dict(account.registry.images))
    return Deployed(tried, left, account.deploy("--parameter", "WorkerMaxTasks=20"))


def test_a_dry_run_shows_all_that_would_be_made_and_leaves_neither_queue_nor_image(deployed: Deployed) -> None:
    assert "  + ApiService (AWS::ECS::Service)\n" in deployed.tried
    assert "  + CalculationQueue (AWS::SQS::Queue)\n" in deployed.tried
    assert deployed.left_by_trial == (set(), {})


def test_a_deployment_pushes_the_image_that_its_services_run(deployed: Deployed, account: Account) -> None:
    [tag] = account.registry.images[STACK]

    assert account.parameters()["ImageUri"] == f"{account.registry.address}/{STACK}:{tag}"
    assert f"Pushing the image to {account.registry.address}/{STACK}." in deployed.shown
    assert account.registry.policies[STACK]["rules"][0]["selection"]["countNumber"] == 10


@pytest.mark.usefixtures("deployed")
def test_where_nobody_says_it_the_containers_are_in_the_default_vpc(account: Account) -> None:
    ec2 = account.shell.client("ec2")
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]

    parameters = account.parameters()
    assert parameters["VpcId"] == vpc["VpcId"]
    assert set(parameters["SubnetIds"].split(",")) == {each["SubnetId"] for each in subnets}


@pytest.mark.usefixtures("deployed")
def test_queues_secrets_and_the_role_of_ecs_are_there(account: Account) -> None:
    assert account.queues() == _QUEUES
    stored = account.shell.client("secretsmanager").get_secret_value(SecretId=f"{STACK}-settings")
    assert json.loads(stored["SecretString"]) == {"API_KEYS": API_KEY}
    assert account.parameters()["ApiKeys"] == f"API_KEYS::{stored['VersionId']}"
    assert account.shell.client("iam").get_role(RoleName="AWSServiceRoleForECS")


def test_no_key_is_shown_and_that_the_url_has_no_encryption_is(deployed: Deployed) -> None:
    assert API_KEY not in deployed.shown
    assert "It speaks HTTP, so that who is on the way reads keys and tasks." in deployed.shown
    assert '-H "X-API-Key: $API_KEY"' in deployed.shown


@pytest.mark.usefixtures("deployed")
def test_what_was_given_stays_with_the_next_deployment_and_the_image_is_the_same(account: Account) -> None:
    before = account.parameters()
    assert before["WorkerMaxTasks"] == "20"

    shown = account.deploy("--parameter", "CertificateArn=arn:aws:acm:eu-central-1:000000000000:certificate/1")

    after = account.parameters()
    assert after.pop("CertificateArn").endswith("certificate/1")
    assert after == {name: value for name, value in before.items() if name != "CertificateArn"}
    assert "Making the repository" not in shown


@pytest.mark.usefixtures("deployed")
def test_a_stack_of_containers_becomes_none_of_functions(account: Account) -> None:
    code, said = account.shell.run_here("deploy", "--target", "lambda", "--stack", STACK)

    assert code == 1
    assert "The stack tasks is TARGET=containers, and becomes no other one: deploy TARGET=lambda as a second" in said


def test_a_push_that_fails_says_why_and_leaves_nothing(account: Account) -> None:
    account.registry.refuses_pushes = True
    try:
        done = account.shell.run("deploy", "--target", "containers", "--stack", "others")
    finally:
        account.registry.refuses_pushes = False

    assert done.returncode == 1
    assert "The image could not be pushed to" in done.stderr
    assert "no room for images" in done.stderr
    assert "others" not in account.registry.tags_of
    assert find_stack(account.shell.client("cloudformation"), "others") is None
    names = [each["Name"] for each in account.shell.client("secretsmanager").list_secrets()["SecretList"]]
    assert names == [f"{STACK}-settings"]


@pytest.mark.usefixtures("deployed")
def test_what_is_removed_by_force_leaves_neither_queue_nor_secret_nor_image(account: Account) -> None:
    sqs = account.shell.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=f"{STACK}-undelivered")["QueueUrl"], MessageBody="kept")
    code, said = account.shell.run_here("undeploy", "--stack", STACK)
    assert (code, "have messages, which would be lost: 1 in tasks-undelivered." in said) == (1, True)

    code, said = account.shell.run_here("undeploy", "--stack", STACK, "--force")

    assert code == 0, said
    assert "  removed: the repository tasks, with its images\n" in said
    assert account.queues() == set()
    assert account.registry.tags_of == {}
    assert account.shell.client("secretsmanager").list_secrets()["SecretList"] == []
    assert find_stack(account.shell.client("cloudformation"), STACK) is None


TASK_TYPE = """
from services.task_types import TaskItem, TaskType


async def run(item, context):
    return item.name.upper()


TASK_TYPE = TaskType(name="shout", route="/v1/shout", summary="Shout", item=TaskItem, run=run, example=[])
"""


@pytest.fixture
def project(tmp_path: Path) -> dict[str, str]:
    """The settings of a project of one's own task types, which is in a folder of its own."""
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "__init__.py").touch()
    (tmp_path / "acme" / "shout.py").write_text(TASK_TYPE)
    (tmp_path / ".dockerignore").write_text(".stack\n")
    (tmp_path / "Dockerfile").write_text("ARG STACK_IMAGE\nFROM ${STACK_IMAGE}\nCOPY acme /app/acme\n")
    return {
        "PROJECT_DIR": str(tmp_path),
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
        "TASK_PACKAGES": "services.tasks,acme",
        "STACK_DIR": "",
    }


def test_a_project_of_ones_own_task_types_is_deployed_by_its_image_which_has_this_clones(
    account: Account, project: dict[str, str]
) -> None:
    account.deploy(stack="acme", **project)

    assert {"acme-shout", "acme-shout-dlq"} <= account.queues()
    [tag] = account.registry.images["acme"]
    image = f"{account.registry.address}/acme:{tag}"
    program = "from services.check import main; import acme.shout; main()"
    environment = ["--env", "TASK_PACKAGES=services.tasks,acme", "--env", "AWS_DEFAULT_REGION=eu-central-1"]
    checked = subprocess.run(  # noqa: S603
        ["docker", "run", "--rm", *environment, image, "python", "-c", program],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")

    removed = account.shell.run("undeploy", "--stack", "acme", "--force", **project)
    assert removed.returncode == 0, removed.stderr
