"""The secret of AWS Secrets Manager that has the services' secrets: in no template, and on no command line."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from stack.aws.function_settings import SECRET_SETTINGS


def store_secrets(secrets_manager: Any, stack: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Store the secrets of the environment for a stack, where they have changed; return the template's parameters.

    Where the environment has none of them, those stay that are stored.
    """
    name = f"{stack}-settings"
    stored = _stored(secrets_manager, name)
    own = {setting: environment.get(setting, "") for setting in SECRET_SETTINGS}
    if stored is not None and not any(own.values()):
        return _parameters(name, stored["VersionId"])
    text = json.dumps(own)
    if stored is None:
        return _parameters(name, secrets_manager.create_secret(Name=name, SecretString=text)["VersionId"])
    if stored["SecretString"] == text:
        return _parameters(name, stored["VersionId"])
    return _parameters(name, secrets_manager.put_secret_value(SecretId=name, SecretString=text)["VersionId"])


def _stored(secrets_manager: Any, name: str) -> Mapping[str, str] | None:
    try:
        stored: Mapping[str, str] = secrets_manager.get_secret_value(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return stored


def _parameters(name: str, version: str) -> dict[str, str]:
    # By its version CloudFormation knows that it has changed.
    return {"SettingsSecret": name, "SettingsSecretVersion": version}
