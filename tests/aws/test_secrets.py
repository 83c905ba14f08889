"""Secrets that are stored for a stack reach its functions and its containers by the parameters of its template."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from stack.aws.secret_parameters import (
    container_secret,
    dynamic_reference,
    secret_conditions,
    secret_parameter,
    with_secret_parameters,
)
from stack.aws.secrets import store_secrets
from tests.integration.stack.localstack_client import client_of

KEYS, TOKEN, SIGNING = "API_KEYS", "SLACK_BOT_TOKEN", "CALLBACK_SIGNING_SECRET"
SETTINGS = (KEYS, SIGNING, TOKEN)


def template() -> dict[str, Any]:
    """A resource for each setting whose description is a function's variable, and an output that is a container's."""
    resources, outputs = {}, {}
    for setting in SETTINGS:
        name = secret_parameter(setting)
        described = {
            "Name": {"Fn::Sub": f"/${{AWS::StackName}}/{setting}"},
            "Type": "String",
            "Value": "-",
            "Description": dynamic_reference(setting),
        }
        resources[f"{name}Read"] = {"Type": "AWS::SSM::Parameter", "Properties": described}
        condition, secret, _ = container_secret(setting)["Fn::If"]
        outputs[name] = {"Condition": condition, "Value": secret["ValueFrom"]}
    return {
        "Parameters": with_secret_parameters({}, SETTINGS),
        "Conditions": secret_conditions(SETTINGS),
        "Resources": resources,
        "Outputs": outputs,
    }


@dataclass(frozen=True)
class Deployed:
    """A stack of that template."""

    url: str
    stack: str

    def deploy(self, **secrets: str) -> None:
        """Store what is set, and deploy with the parameters that lead there."""
        parameters = store_secrets(client_of("secretsmanager", self.url), self.stack, secrets)
        cloudformation = client_of("cloudformation", self.url)
        is_there = self.stack in {each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]}
        verb = "update" if is_there else "create"
        getattr(cloudformation, f"{verb}_stack")(
            StackName=self.stack,
            TemplateBody=json.dumps(template()),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        )
        cloudformation.get_waiter(f"stack_{verb}_complete").wait(StackName=self.stack, WaiterConfig={"Delay": 1})

    def given_to_functions(self) -> Mapping[str, str]:
        ssm = client_of("ssm", self.url)
        found = ssm.describe_parameters(ParameterFilters=[{"Key": "Path", "Values": [f"/{self.stack}"]}])["Parameters"]
        return {each["Name"].rpartition("/")[2]: each["Description"] for each in found if each.get("Description")}

    def given_to_containers(self) -> Mapping[str, str]:
        """What ECS makes of the references: an ARN of seven parts, then the key, the stage and the id of the version.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
        """
        [stack] = client_of("cloudformation", self.url).describe_stacks(StackName=self.stack)["Stacks"]
        secrets = client_of("secretsmanager", self.url)
        given = {}
        for output in stack.get("Outputs", []):
            *arn, key, stage, version = output["OutputValue"].split(":")
            assert (len(arn), stage) == (7, "")
            stored = secrets.get_secret_value(SecretId=":".join(arn), VersionId=version)
            given[key] = json.loads(stored["SecretString"])[key]
        return given


@pytest.fixture
def deployed(cloudformation_url: str, request: pytest.FixtureRequest) -> Deployed:
    return Deployed(cloudformation_url, request.node.name.replace("_", "-"))


def test_functions_and_containers_are_given_the_secrets_that_are_set_and_no_other(deployed: Deployed) -> None:
    own = {KEYS: "key-of-one,key-of-another", SIGNING: "whsec_b25l"}
    deployed.deploy(**own)

    assert deployed.given_to_functions() == own
    assert deployed.given_to_containers() == own


def test_where_one_is_another_it_reaches_both_by_the_next_deployment(deployed: Deployed) -> None:
    deployed.deploy(**{KEYS: "key-of-one", TOKEN: "xoxb-one"})
    deployed.deploy(**{KEYS: "key-of-one", TOKEN: "xoxb-another"})

    assert deployed.given_to_functions() == {KEYS: "key-of-one", TOKEN: "xoxb-another"}
    assert deployed.given_to_containers() == {KEYS: "key-of-one", TOKEN: "xoxb-another"}


def test_where_none_is_set_those_stay_that_are_stored(deployed: Deployed) -> None:
    deployed.deploy(**{KEYS: "key-of-one"})
    stored = store_secrets(client_of("secretsmanager", deployed.url), deployed.stack, dict.fromkeys(SETTINGS, ""))

    assert stored.keys() == {"SettingsSecretArn", "ApiKeys"}
    assert deployed.given_to_containers() == {KEYS: "key-of-one"}
