"""A setting of a task type whose type says that it is secret: where it is stored, who is given it, and who is not."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Optional

import pytest
from pydantic import BaseModel, Field, Secret, SecretBytes, SecretStr, create_model
from typing_extensions import TypeAliasType

from services.settings import Settings
from services.task_types import TaskItem, TaskType
from services.task_types.loading import TaskTypes
from stack.aws.containers_template import containers_template
from stack.aws.functions_template import functions_template
from stack.aws.kubernetes import kubernetes_files
from stack.aws.target import Services, require_secrets_of_services
from stack.aws.user_settings import secret_settings
from stack.errors import StackError

API_KEY = "key-of-a-client-1234"
TOKEN = "token-of-the-mail-server"  # noqa: S105  # none
OF_SERVICES = ("API_KEYS", "CALLBACK_SIGNING_SECRET", "SLACK_BOT_TOKEN")


class MailSettings(Settings):
    mail_host: str = "localhost"
    mail_token: SecretStr


class NewsSettings(Settings):
    """Of a task type that reads the same setting, and takes it for none that is secret."""

    mail_token: str


class Account(BaseModel):
    user: str
    password: SecretStr
    delegates: "list[Account]" = []


async def run(item: TaskItem, _context: Any) -> str:
    return item.name


def task_type(name: str, settings: type[Settings]) -> TaskType[Any]:
    return TaskType(name=name, route=f"/v1/{name}", summary=name, item=TaskItem, run=run, example=[], settings=settings)


def task_types(**settings: type[Settings]) -> TaskTypes:
    return {name: task_type(name, each) for name, each in settings.items()}


MAIL = task_types(mail=MailSettings)


@pytest.mark.parametrize(
    "kind",
    [
        SecretStr,
        SecretBytes,
        Secret[int],
        SecretStr | None,
        Optional[SecretStr],  # noqa: UP045  # as somebody may write it
        list[SecretStr],
        dict[str, Annotated[SecretStr, Field(min_length=1)]],
        TypeAliasType("Token", Annotated[SecretStr, Field(min_length=1)]),
        Account,
        list[Account] | None,
    ],
    ids=str,
)
def test_a_setting_is_secret_whose_type_or_a_part_of_it_says_so(kind: Any) -> None:
    settings: Any = create_model("MailSettings", __base__=Settings, mail_login=(kind, ...))

    assert secret_settings(task_types(mail=settings)) == (
        "API_KEYS",
        "CALLBACK_SIGNING_SECRET",
        "MAIL_LOGIN",
        *OF_SERVICES[2:],
    )


@pytest.mark.parametrize("kind", [str, int | None, list[str], dict[str, Any]], ids=str)
def test_no_other_setting_is(kind: Any) -> None:
    settings: Any = create_model("MailSettings", __base__=Settings, mail_login=(kind, ...))

    assert secret_settings(task_types(mail=settings)) == OF_SERVICES


def functions(types: TaskTypes, **environment: str) -> dict[str, dict[str, Any]]:
    """What each function is given, by its name."""
    resources = functions_template(types, environment)["Resources"].values()
    found = [each["Properties"] for each in resources if each["Type"] == "AWS::Serverless::Function"]
    return {each["FunctionName"]["Fn::Sub"].partition("-")[2]: each["Environment"]["Variables"] for each in found}


def secrets_of_containers(types: TaskTypes, **environment: str) -> dict[str, list[str]]:
    """The names of the secrets that each container is given, by its name."""
    resources = containers_template(types, environment)["Resources"].values()
    containers = [
        container
        for each in resources
        if each["Type"] == "AWS::ECS::TaskDefinition"
        for container in each["Properties"]["ContainerDefinitions"]
    ]
    return {each["Name"]: [secret["Fn::If"][1]["Name"] for secret in each["Secrets"]] for each in containers}


def holders(given: Mapping[str, Any]) -> list[str]:
    return sorted(name for name, each in given.items() if "MAIL_TOKEN" in each)


def test_the_worker_that_reads_it_has_it_of_the_secret_and_no_other_program_has_it() -> None:
    given = functions(MAIL, MAIL_TOKEN=TOKEN)
    reference = "{{resolve:secretsmanager:${SettingsSecretArn}:SecretString:${MailToken}}}"

    assert given["worker-mail"]["MAIL_TOKEN"] == {
        "Fn::If": ["HasMailToken", {"Fn::Sub": reference}, {"Ref": "AWS::NoValue"}]
    }
    assert holders(given) == holders(secrets_of_containers(MAIL, MAIL_TOKEN=TOKEN)) == ["worker-mail"]


@pytest.mark.parametrize("types", [MAIL, task_types(mail=MailSettings, news=NewsSettings)], ids=len)
def test_it_stands_in_the_clear_nowhere_not_even_for_a_task_type_that_does_not_know_that_it_is_secret(
    types: TaskTypes,
) -> None:
    settings = {"MAIL_TOKEN": TOKEN, "MAIL_HOST": "mail.example"}
    files = [
        functions_template(types, settings),
        containers_template(types, settings),
        kubernetes_files(types, settings),
    ]

    for text in map(json.dumps, files):
        assert TOKEN not in text
        assert "mail.example" in text
    workers = [f"worker-{name}" for name in types]
    assert holders(functions(types, **settings)) == holders(secrets_of_containers(types, **settings)) == workers


def test_it_has_a_parameter_that_leads_to_it_alone() -> None:
    parameter = functions_template(MAIL, {})["Parameters"]["MailToken"]

    assert parameter == containers_template(MAIL, {})["Parameters"]["MailToken"]
    assert parameter["AllowedPattern"] == "(MAIL_TOKEN:[^:]*:[^:]*)?"


@pytest.mark.parametrize("names", [["memory_size"], ["mail_1", "mail1"], ["schlüssel"]], ids=str)
def test_one_that_could_not_have_its_parameter_is_refused(names: list[str]) -> None:
    fields: Any = dict.fromkeys(names, (SecretStr, ...))
    settings: Any = create_model("MailSettings", __base__=Settings, **fields)

    with pytest.raises(StackError, match=r" is a secret, whose parameter .* call the field .* otherwise"):
        functions_template(task_types(mail=settings), {})


def services(**environment: str) -> Services:
    return Services(MAIL, ["acme"], environment)


def test_where_it_is_missing_or_cannot_work_it_is_refused_when_it_is_known_what_is_stored() -> None:
    keys = {"API_KEYS": API_KEY}
    with pytest.raises(StackError, match=r"^The task type mail cannot work: MAIL_TOKEN: Field required$"):
        require_secrets_of_services(keys, services())

    require_secrets_of_services({**keys, "MAIL_TOKEN": TOKEN}, services())


def test_so_are_its_other_settings() -> None:
    class StrictSettings(MailSettings):
        mail_retries: int = 1

    strict = Services(task_types(mail=StrictSettings), ["acme"], {"MAIL_RETRIES": "many"})
    with pytest.raises(StackError, match=r"^The task type mail cannot work: MAIL_RETRIES: "):
        require_secrets_of_services({"API_KEYS": API_KEY, "MAIL_TOKEN": TOKEN}, strict)
