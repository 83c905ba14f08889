"""The secret of AWS Secrets Manager that has the services' secrets: in no template, and on no command line.

What is set replaces what is stored; what is not set stays as it is stored. These functions are given the
secret settings of a template, each with its value, empty where it is unset. Functions and containers find it by the
same parameters: its ARN, and the key and version of each setting (secret_parameters.py).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from stack.aws.secret_parameters import SECRET_PARAMETER, secret_parameter

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

    def with_those_of(self, secrets: Mapping[str, str]) -> dict[str, str]:
        """Return the secrets that the services have when those that are set are stored as well."""
        return {**self.values, **{setting: value for setting, value in secrets.items() if value}}

    def changed_by(self, secrets: Mapping[str, str]) -> list[str]:
        """Return the names of those that are set otherwise than they are stored."""
        return sorted(name for name, value in self.with_those_of(secrets).items() if self.values.get(name) != value)


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


def store_secrets(secrets_manager: Any, stack: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """Store the secrets that are set for a stack, where they have changed.

    Return the template's parameters, by which each is found.
    """
    stored = stored_secrets(secrets_manager, stack)
    values = stored.with_those_of(secrets)
    of_template = [setting for setting in values if setting in secrets]
    if not stored.changed_by(secrets):
        return _parameters(stored.arn, stored.version or _CURRENT, of_template)
    text = json.dumps(values)
    if stored.version is None:
        answer = secrets_manager.create_secret(Name=stored.name, SecretString=text)
    else:
        answer = secrets_manager.put_secret_value(SecretId=stored.name, SecretString=text)
    return _parameters(answer["ARN"], answer["VersionId"], of_template)


def unstored_parameters(stored: StoredSecrets, secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a deployment that stores nothing: they lead to what is there, and show what changes."""
    version = None if stored.changed_by(secrets) else stored.version
    return _parameters(stored.arn, version or _CURRENT, [setting for setting in stored.values if setting in secrets])


def remove_secrets(secrets_manager: Any, stored: StoredSecrets) -> None:
    """Remove what is stored for a stack, at once: it could not be deployed again while its name is kept."""
    secrets_manager.delete_secret(SecretId=stored.name, ForceDeleteWithoutRecovery=True)


def _parameters(arn: str, version: str, settings: Iterable[str]) -> dict[str, str]:
    # By its version CloudFormation knows that it has changed.
    versions = {secret_parameter(setting): f"{setting}::{version}" for setting in settings}
    return {SECRET_PARAMETER: arn, **versions} if versions else {}
