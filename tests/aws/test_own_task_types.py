"""A project of one's own task types, deployed from its folder as functions, on a LocalStack that runs them."""

import json
import zipfile
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin

import pytest

from stack.config import ROOT
from tests.aws.conftest import Receiver
from tests.aws.shell import API_KEY, PATIENCE_SECONDS, Shell, shell_that_leads_to
from tests.aws.wheel import wheel

STACK = "acme"
TOKEN = "token-of-the-shouting-service"  # noqa: S105  # of nobody
WORKER = f"{STACK}-worker-shout"

TASK_TYPE = """
import asyncio
from hashlib import sha256

import boto3
from pydantic import SecretStr
from shouting import LOUD

from services.task_types import Settings, TaskContext, TaskItem, TaskType


class ShoutSettings(Settings):
    shout_token: SecretStr
    shout_times: int = 1


class ShoutItem(TaskItem):
    text: str


def bucket_names():
    return [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]


async def run(item: ShoutItem, context: TaskContext[ShoutSettings]):
    return {
        "text": item.text.upper() + context.settings.shout_times * LOUD,
        "token": sha256(context.settings.shout_token.get_secret_value().encode()).hexdigest(),
        "is_kept": "shouts" in await asyncio.to_thread(bucket_names),
    }


TASK_TYPE = TaskType(
    name="shout",
    route="/v1/text/shout",
    summary="Shout a text",
    item=ShoutItem,
    run=run,
    example=[{"name": "a", "text": "hello"}],
    settings=ShoutSettings,
    aws_services=["s3"],
    iam_statements=[
        {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::*"}}
    ],
)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder: a package of task types, what they need, and its settings."""
    folder = tmp_path_factory.mktemp("acme")
    (folder / "wheels").mkdir()
    wheel(folder / "wheels", "shouting")
    (folder / "requirements.txt").write_text("./wheels/shouting-1.0-py3-none-any.whl\n")
    tasks = folder / "acme" / "tasks"
    tasks.mkdir(parents=True)
    (tasks.parent / "__init__.py").touch()
    (tasks / "__init__.py").touch()
    (tasks / "shout.py").write_text(TASK_TYPE)
    (folder / ".env").write_text("TASK_PACKAGES=services.tasks,acme.tasks\nSHOUT_TIMES=2\n")
    return folder


@pytest.fixture(scope="module")
def shell(localstack_with_functions: str, receiver: Receiver, project: Path) -> Shell:
    """One whose environment has the project's folder and its libraries, as that of the project's commands has."""
    paths = [ROOT, project, project / "wheels" / "shouting-1.0-py3-none-any.whl"]
    settings = {
        "PROJECT_DIR": str(project),
        "PYTHONPATH": ":".join(map(str, paths)),
        "ALLOWED_PRIVATE_TARGETS": receiver.address,
        "TASK_PACKAGES": "",
        "STACK_DIR": "",
    }
    return shell_that_leads_to(localstack_with_functions, project, **settings)


@pytest.fixture(scope="module")
def refused(shell: Shell) -> tuple[int, str]:
    """What a deployment said without the secret, where nothing was yet."""
    done = shell.run("deploy", "--target", "lambda", "--stack", STACK)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def deployed(shell: Shell, refused: tuple[int, str]) -> str:
    """The URL of the API of the project's stack."""
    assert refused
    shell.client("s3").create_bucket(Bucket="shouts", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    done = shell.run("deploy", "--target", "lambda", "--stack", STACK, "--json", SHOUT_TOKEN=TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert TOKEN not in done.stdout + done.stderr
    return str(json.loads(done.stdout)["api"])


def test_without_a_secret_that_a_task_type_needs_nothing_is_deployed(refused: tuple[int, str]) -> None:
    code, said = refused

    assert code == 1
    assert said.splitlines()[-1] == "The task type shout cannot work: SHOUT_TOKEN: Field required"


def test_its_task_type_works_with_its_library_its_settings_its_secret_and_another_service_of_aws(
    deployed: str, shell: Shell, receiver: Receiver
) -> None:
    task = {"callback_url": f"http://{receiver.address}/callback", "message": [{"name": "a", "text": "hello"}]}
    answer = shell.reach(urljoin(deployed, "/v1/text/shout"), "POST", json=task, headers={"x-api-key": API_KEY})

    assert answer.status_code == 200, answer.text
    outcome = receiver.heard.get(timeout=PATIENCE_SECONDS)
    assert outcome["errors"] == []
    assert outcome["results"] == [
        {"a": {"text": "HELLO!!", "token": sha256(TOKEN.encode()).hexdigest(), "is_kept": True}}
    ]


@pytest.mark.usefixtures("deployed")
def test_its_worker_alone_has_the_secret_which_is_stored_and_in_no_file(shell: Shell, project: Path) -> None:
    functions = [each["FunctionName"] for each in shell.client("lambda").list_functions()["Functions"]]
    assert [each for each in functions if "SHOUT_TOKEN" in shell.variables(each)] == [WORKER]
    stored = shell.client("secretsmanager").get_secret_value(SecretId=f"{STACK}-settings")["SecretString"]
    assert json.loads(stored) == {"API_KEYS": API_KEY, "SHOUT_TOKEN": TOKEN}
    template = (project / ".stack" / "aws" / STACK / "functions.yaml").read_text()
    assert "ShoutToken" in template
    assert TOKEN not in template


@pytest.mark.usefixtures("deployed")
def test_its_worker_may_what_it_declares(shell: Shell) -> None:
    role = shell.client("lambda").get_function_configuration(FunctionName=WORKER)["Role"].rpartition("/")[2]
    policy = shell.client("iam").get_role_policy(RoleName=role, PolicyName="work")["PolicyDocument"]

    own = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::*"}
    assert policy["Statement"][-1] == own


@pytest.mark.usefixtures("deployed")
def test_what_is_deployed_is_put_together_in_its_folder(project: Path) -> None:
    [package] = (project / ".stack" / "aws" / "package.x86_64").glob("functions-*.zip")
    with zipfile.ZipFile(package) as file:
        names = set(file.namelist())

    assert {"acme/tasks/shout.py", "shouting.py", "services/tasks/data.py"} <= names
    assert "botocore/data/s3/2006-03-01/service-2.json.gz" in names


@pytest.mark.usefixtures("deployed")
def test_the_secret_stays_where_it_is_not_set_again(shell: Shell) -> None:
    done = shell.run("deploy", "--target", "lambda", "--stack", STACK, "--json", SHOUT_TIMES="3")

    assert done.returncode == 0, done.stderr
    variables = shell.variables(WORKER)
    assert (variables["SHOUT_TIMES"], variables["SHOUT_TOKEN"]) == ("3", TOKEN)
