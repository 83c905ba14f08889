"""`deploy` and `undeploy` as they are run, by the SAM CLI, on a LocalStack that runs the functions."""

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import httpx
import pytest
from standardwebhooks import Webhook

from services.queues import define_queues
from services.task_types.loading import load_task_types
from stack.aws.change_set import change_sets
from stack.aws.deployed_stack import find_stack
from stack.aws.uploads import bucket_of_sam, uploads
from stack.config import ROOT
from tests.aws.conftest import Receiver
from tests.aws.shell import API_KEY, COMMAND, PATIENCE_SECONDS, Shell, shell_that_leads_to

STACK = "tasks"


@dataclass(frozen=True)
class Left:
    """All that a stack has on AWS."""

    functions: list[str]
    queues: list[str]
    secrets: list[str]
    roles: list[str]
    log_groups: list[str]
    change_sets: set[str]
    uploads: int
    status: str | None


def left(shell: Shell) -> Left:
    cloudformation = shell.client("cloudformation")
    bucket = bucket_of_sam(cloudformation)
    found = find_stack(cloudformation, STACK)
    return Left(
        [each["FunctionName"] for each in shell.client("lambda").list_functions()["Functions"]],
        shell.client("sqs").list_queues().get("QueueUrls", []),
        [each["Name"] for each in shell.client("secretsmanager").list_secrets()["SecretList"]],
        [each["RoleName"] for each in shell.client("iam").list_roles()["Roles"]],
        [each["logGroupName"] for each in shell.client("logs").describe_log_groups()["logGroups"]],
        change_sets(cloudformation, STACK),
        len(uploads(shell.client("s3"), bucket, STACK)) if bucket else 0,
        found.status if found else None,
    )


NOTHING = Left([], [], [], [], [], set(), 0, None)


@pytest.fixture(scope="module")
def shell(localstack_with_functions: str, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    directory = tmp_path_factory.mktemp("deployments")
    return shell_that_leads_to(localstack_with_functions, directory, ALLOWED_PRIVATE_TARGETS=receiver.address)


def deploy(shell: Shell, *options: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return shell.run("deploy", "--target", "lambda", "--stack", STACK, *options, **settings)


@dataclass(frozen=True)
class Deployed:
    """What came of a dry run where nothing was yet, and of the deployment after it."""

    tried: "subprocess.CompletedProcess[str]"
    left_by_trial: Left
    shown: str
    meanwhile: tuple[int, str]
    """What a removal said while CloudFormation was at work."""

    @property
    def url(self) -> str:
        [line] = [line for line in self.shown.splitlines() if "Its API takes tasks at" in line]
        return line.rpartition(" ")[2]


@pytest.fixture(scope="module")
def deployed(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """Deploy where nothing is."""
    tried = deploy(shell, "--dry-run")
    left_by_trial = left(shell)
    # With a folder of its own it does not wait for the other.
    elsewhere = Shell({**shell.environment, "STACK_DIR": str(tmp_path_factory.mktemp("elsewhere"))})
    shown: list[str] = []
    meanwhile = (0, "")
    with subprocess.Popen(  # noqa: S603  # our own program
        [*COMMAND, "deploy", "--target", "lambda", "--stack", STACK],
        cwd=ROOT,
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            shown.append(line)
            if line.startswith("  made: ") and not meanwhile[1]:
                meanwhile = elsewhere.run_here("undeploy", "--stack", STACK, "--force")
    assert process.returncode == 0, shown
    return Deployed(tried, left_by_trial, "".join(shown), meanwhile)


def post(url: str, shell: Shell, receiver: Receiver, **headers: str) -> httpx.Response:
    """Post a task to the API."""
    task = {
        "callback_url": f"http://{receiver.address}/callback",
        "message": [{"name": "sum", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}],
    }
    return shell.reach(urljoin(url, "/v1/calculation/basic"), "POST", json=task, headers=headers)


def test_a_deployment_from_nothing_takes_tasks_at_the_url_that_it_names_and_works_them(
    deployed: Deployed, shell: Shell, receiver: Receiver
) -> None:
    answer = post(deployed.url, shell, receiver, **{"x-api-key": API_KEY})

    assert answer.status_code == 200, answer.text
    outcome = receiver.heard.get(timeout=PATIENCE_SECONDS)
    assert outcome["results"] == [{"sum": 3}]
    assert outcome["task_id"] == answer.json()["task_id"]


def test_nobody_submits_a_task_without_a_key(deployed: Deployed, shell: Shell, receiver: Receiver) -> None:
    assert post(deployed.url, shell, receiver).status_code == 401


def test_the_command_that_it_shows_reaches_the_api(deployed: Deployed) -> None:
    [command] = [line for line in deployed.shown.splitlines() if line.startswith("curl ")]
    # By a wrong key, as the example's callback is a stranger's.
    environment = {**os.environ, "API_KEY": "none-of-its-keys", "NO_PROXY": "*"}

    done = subprocess.run(  # noqa: S602  # it is a line for a shell
        f"{command} --silent --write-out '%{{http_code}}'",
        shell=True,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.endswith("401")


def test_it_shows_where_it_deploys_to_and_what_is_made_and_no_key(deployed: Deployed, shell: Shell) -> None:
    account = "account 000000000000, eu-central-1"
    assert f"Deploying tasks to {account}, by {shell.environment['AWS_ENDPOINT_URL']}." in deployed.shown
    assert deployed.shown.count("  made: ") == deployed.tried.stdout.count("  + ")
    assert "  made: CalculationQueue (AWS::SQS::Queue)\n" in deployed.shown
    assert '-H "X-API-Key: $API_KEY"' in deployed.shown
    assert API_KEY not in deployed.shown


@pytest.mark.usefixtures("deployed")
def test_the_queues_begin_with_the_name_of_the_stack(shell: Shell) -> None:
    names = {url.rpartition("/")[2] for url in left(shell).queues}

    assert names == {f"{STACK}-{name}" for name in define_queues(load_task_types(["services.tasks"]))}


def test_a_dry_run_where_nothing_is_yet_shows_all_that_would_be_made_and_leaves_nothing(deployed: Deployed) -> None:
    assert deployed.tried.returncode == 0, deployed.tried.stderr
    assert "  + CalculationQueue (AWS::SQS::Queue)\n" in deployed.tried.stdout
    assert deployed.left_by_trial == NOTHING


def test_while_cloudformation_is_at_work_nothing_is_removed(deployed: Deployed) -> None:
    code, said = deployed.meanwhile

    assert code == 1
    assert "The stack tasks is CREATE_IN_PROGRESS: CloudFormation is at work on it. Try again when it is done." in said


@pytest.mark.usefixtures("deployed")
def test_a_dry_run_shows_what_a_setting_and_a_secret_would_change_and_changes_nothing(shell: Shell) -> None:
    before = left(shell)
    done = deploy(shell, "--dry-run", "--json", DATA_CONCURRENCY="5", API_KEYS="another-key-of-a-client")

    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    # AWS names the function that has the secret too; LocalStack reads it, and finds it as it was.
    assert ("Modify", "WorkerDataFunction") in {(each["action"], each["resource"]) for each in shown["changes"]}
    assert shown["secrets"] == ["API_KEYS"]
    assert left(shell) == before
    assert "DATA_CONCURRENCY" not in shell.variables(f"{STACK}-worker-data")
    assert shell.variables(f"{STACK}-api")["API_KEYS"] == API_KEY


@pytest.mark.usefixtures("deployed")
def test_a_second_deployment_changes_what_a_setting_and_a_secret_are_about(shell: Shell) -> None:
    done = deploy(shell, "--json", DATA_CONCURRENCY="5", API_KEYS="another-key-of-a-client")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "UPDATE_COMPLETE"
    assert "  changed: WorkerDataFunction (AWS::Lambda::Function)\n" in done.stderr
    assert shell.variables(f"{STACK}-worker-data")["DATA_CONCURRENCY"] == "5"
    assert shell.variables(f"{STACK}-api")["API_KEYS"] == "another-key-of-a-client"


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"AWS_DEFAULT_REGION": ""}, "There is no region of AWS: set AWS_DEFAULT_REGION"),
        (
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            "There are no credentials of AWS: let `aws configure`",
        ),
        ({"AWS_PROFILE": "nosuch"}, "AWS_PROFILE: The config profile (nosuch) could not be found."),
    ],
)
@pytest.mark.parametrize("command", [("deploy", "--target", "lambda"), ("undeploy",)], ids=["deploy", "undeploy"])
def test_without_a_way_to_aws_it_is_said_what_is_missing(
    command: Sequence[str], settings: dict[str, str], line: str, shell: Shell
) -> None:
    code, said = shell.run_here(*command, "--stack", STACK, **settings)

    assert code == 1
    assert said.startswith(line)
    assert len(said.splitlines()) == 1


def test_a_stack_that_is_not_there_is_not_removed(shell: Shell) -> None:
    code, said = shell.run_here("undeploy", "--stack", "another")

    assert (code, said.splitlines()[-1]) == (1, "There is no stack another in account 000000000000, eu-central-1.")


def test_what_somebody_else_has_made_is_neither_changed_nor_removed(shell: Shell) -> None:
    template = {"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
    cloudformation = shell.client("cloudformation")
    cloudformation.create_stack(StackName="theirs", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="theirs", WaiterConfig={"Delay": 1})

    for command in (["deploy", "--target", "lambda"], ["undeploy", "--force"]):
        code, said = shell.run_here(*command, "--stack", "theirs")
        assert (code, "There is a stack theirs that `make deploy` has not made" in said) == (1, True)
    assert getattr(find_stack(cloudformation, "theirs"), "status", None) == "CREATE_COMPLETE"


@pytest.mark.usefixtures("deployed")
def test_a_stack_that_has_messages_which_nobody_works_is_not_removed(shell: Shell) -> None:
    sqs = shell.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=f"{STACK}-undelivered")["QueueUrl"], MessageBody="kept")
    before = left(shell)

    code, said = shell.run_here("undeploy", "--stack", STACK)
    assert code == 1
    assert "The queues of tasks have messages, which would be lost: 1 in tasks-undelivered." in said

    # Those of another prefix would take their place.
    secrets = shell.client("secretsmanager")
    stored = secrets.get_secret_value(SecretId=f"{STACK}-settings")["SecretString"]
    settings = {"QUEUE_NAME_PREFIX": "others-", "API_KEYS": "a-key-that-is-never-stored"}
    code, said = shell.run_here("deploy", "--target", "lambda", "--stack", STACK, **settings)
    assert code == 1
    assert secrets.get_secret_value(SecretId=f"{STACK}-settings")["SecretString"] == stored
    assert "This deployment removes queues that have messages (1 in tasks-undelivered)" in said
    assert left(shell) == before

    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=f"{STACK}-undelivered")["QueueUrl"])


def accepted_until_closed(deployed: Deployed, shell: Shell, receiver: Receiver, first: threading.Event) -> set[str]:
    """Post one task after the other until the API takes none any more; return those that it has taken."""
    key = shell.variables(f"{STACK}-api")["API_KEYS"]
    accepted: set[str] = set()
    while True:
        answer = post(deployed.url, shell, receiver, **{"x-api-key": key})
        if not answer.is_success:
            return accepted
        accepted.add(answer.json()["task_id"])
        first.set()


def heard_of(accepted: set[str], receiver: Receiver) -> set[str]:
    """Return these tasks when the outcome of each has come."""
    heard: set[str] = set()
    while not accepted <= heard:
        heard.add(receiver.heard.get(timeout=PATIENCE_SECONDS)["task_id"])
    return accepted


@pytest.fixture
def without_data(tmp_path: Path) -> dict[str, str]:
    """The settings of a deployment without the task type `data`."""
    package = tmp_path / "kept_task_types"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "calculation.py").write_text("from services.tasks.calculation import TASK_TYPE\n")
    return {"TASK_PACKAGES": "kept_task_types", "PYTHONPATH": str(tmp_path)}


def test_while_the_queues_of_a_task_type_are_removed_no_task_is_taken_and_then_each_is_done(
    deployed: Deployed, shell: Shell, receiver: Receiver, without_data: dict[str, str]
) -> None:
    first = threading.Event()
    with ThreadPoolExecutor() as threads:
        tasks = threads.submit(accepted_until_closed, deployed, shell, receiver, first)
        assert first.wait(PATIENCE_SECONDS)
        done = deploy(shell, **without_data)
        accepted = tasks.result(PATIENCE_SECONDS)

    assert done.returncode == 0, done.stderr
    assert "The stack loses tasks-data, tasks-data-dlq: until that is done its API takes no tasks.\n" in done.stdout
    assert {f"{STACK}-data", f"{STACK}-data-dlq"}.isdisjoint(url.rpartition("/")[2] for url in left(shell).queues)
    assert heard_of(accepted, receiver) == accepted
    assert post(deployed.url, shell, receiver, **{"x-api-key": API_KEY}).status_code == 200


def test_a_stack_that_is_removed_while_tasks_come_does_each_that_it_has_taken_and_leaves_nothing(
    deployed: Deployed, shell: Shell, receiver: Receiver
) -> None:
    first = threading.Event()
    with ThreadPoolExecutor() as threads:
        tasks = threads.submit(accepted_until_closed, deployed, shell, receiver, first)
        assert first.wait(PATIENCE_SECONDS)
        code, said = shell.run_here("undeploy", "--stack", STACK)
        accepted = tasks.result(PATIENCE_SECONDS)

    assert code == 0, said
    assert "Its API takes no more tasks." in said
    assert "  removed: CalculationQueue (AWS::SQS::Queue)\n" in said
    assert "  removed: the secret tasks-settings\n" in said
    assert "stays: the bucket aws-sam-cli-managed-default-" in said
    assert left(shell) == NOTHING
    # Before the queues were removed.
    assert accepted <= {receiver.heard.get_nowait()["task_id"] for _ in range(receiver.heard.qsize())}


@pytest.fixture
def inbox_stack() -> Iterator[str]:
    """The name of a stack that nobody has had: on a LocalStack functions have this machine's /tmp."""
    name = f"inbox-{uuid4().hex[:12]}"
    yield name
    for file in Path("/tmp").glob(f"{name}-receiver.sqlite3*"):  # noqa: S108  # as the template has it
        file.unlink()


def test_a_receiver_is_deployed_on_its_own_shows_what_it_hears_to_who_has_its_token_and_leaves_nothing(
    shell: Shell, inbox_stack: str
) -> None:
    secret = f"whsec_{base64.b64encode(b'a secret of this test alone').decode()}"
    done = shell.run("deploy", "--target", "receiver", "--stack", inbox_stack, "--json", CALLBACK_SIGNING_SECRET=secret)
    assert done.returncode == 0, done.stderr
    addresses = json.loads(done.stdout)
    stored = shell.client("secretsmanager").get_secret_value(SecretId=f"{inbox_stack}-settings")
    assert json.loads(stored["SecretString"]) == {"CALLBACK_SIGNING_SECRET": secret}

    body = '{"task_id": "1", "results": [{"sum": 3}], "errors": []}'
    now = datetime.now(UTC)
    signed = {
        "webhook-id": "1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("1", now, body),
    }
    assert shell.reach(addresses["callback_url"], "POST", content=body, headers=signed).status_code == 200
    inbox = urljoin(addresses["callback_url"], f"callbacks?{urlsplit(addresses['inbox']).query}")
    assert shell.reach(inbox.partition("?")[0]).status_code == 403
    [heard] = shell.reach(inbox).json()["callbacks"]
    assert (heard["task_id"], heard["outcome"], heard["signature"]["verdict"]) == ("1", "success", "valid")

    code, said = shell.run_here("undeploy", "--stack", inbox_stack)
    assert code == 0, said
    assert said.splitlines()[-2] == f"{inbox_stack} is removed."
    assert find_stack(shell.client("cloudformation"), inbox_stack) is None
