"""The secret of AWS Secrets Manager that has the services' secrets: in no template, and on no command line.

What is set replaces what is stored; what is not set stays as it is stored. Functions and containers find it by the same
parameters: its ARN, and the key and version of each setting (secret_parameters.py).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from stack.aws.secret_parameters import SECRET_PARAMETER, secret_parameter
from stack.aws.user_settings import SECRET_SETTINGS

_CURRENT = ""
"""As the version of a secret: the one that is the current one."""


@dataclass(frozen=True)
class StoredSecrets:
    """What is stored for a stack."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    arn: str = ""
    version: str | None = None
    """None where nothing is stored."""

    def with_those_of(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the secrets that the services have when those of the environment are stored as well."""
        own = {setting: environment[setting] for setting in SECRET_SETTINGS if environment.get(setting)}
        return {**self.values, **own}

    def changed_by(self, environment: Mapping[str, str]) -> list[str]:
        """Return the names of those that the environment has otherwise than they are stored."""
        return sorted(name for name, value in self.with_those_of(environment).items() if self.values.get(name) != value)


def stored_secrets(secrets_manager: Any, stack: str) -> StoredSecrets:
    """Return what is stored for a stack, nothing where there is no such secret."""
    name = f"{stack}-settings"
    try:
        stored = secrets_manager.get_secret_value(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return StoredSecrets(name)
        raise
    return StoredSecrets(name, json.loads(stored["SecretString"]), stored["ARN"], stored["VersionId"])


def store_secrets(secrets_manager: Any, stack: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Store the secrets that the environment has for a stack, where they have changed.

    Return the template's parameters, by which each is found.
    """
    stored = stored_secrets(secrets_manager, stack)
    secrets = stored.with_those_of(environment)
    if not stored.changed_by(environment):
        return _parameters(stored.arn, stored.version or _CURRENT, secrets)
    text = json.dumps(secrets)
    if stored.version is None:
        answer = secrets_manager.create_secret(Name=stored.name, SecretString=text)
    else:
        answer = secrets_manager.put_secret_value(SecretId=stored.name, SecretString=text)
    return _parameters(answer["ARN"], answer["VersionId"], secrets)


def unstored_parameters(stored: StoredSecrets, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a deployment that stores nothing: they lead to what is there, and show what changes."""
    version = None if stored.changed_by(environment) else stored.version
    return _parameters(stored.arn, version or _CURRENT, stored.values)


def remove_secrets(secrets_manager: Any, stored: StoredSecrets) -> None:
    """Remove what is stored for a stack, at once: it could not be deployed again while its name is kept."""
    secrets_manager.delete_secret(SecretId=stored.name, ForceDeleteWithoutRecovery=True)


def _parameters(arn: str, version: str, settings: Iterable[str]) -> dict[str, str]:
    # By its version CloudFormation knows that it has changed.
    versions = {secret_parameter(setting): f"{setting}::{version}" for setting in settings}
    return {SECRET_PARAMETER: arn, **versions} if versions else {}
