"""The secret of AWS Secrets Manager that has the services' secrets: in no template, and on no command line.

Functions and containers find it by the same parameters: its ARN, and the key and version of each setting, of which each
template puts together what its kind of AWS takes (secret_parameters.py).
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from stack.aws.secret_parameters import SECRET_PARAMETER, secret_parameter
from stack.aws.user_settings import SECRET_SETTINGS


def store_secrets(secrets_manager: Any, stack: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Store the secrets that the environment has for a stack, where they have changed.

    Return the template's parameters, by which each is found. Where the environment has none, the stored ones stay.
    """
    name = f"{stack}-settings"
    stored = _stored(secrets_manager, name)
    own = {setting: environment[setting] for setting in SECRET_SETTINGS if environment.get(setting)}
    if not own:
        return {} if stored is None else _parameters(stored, json.loads(stored["SecretString"]))
    text = json.dumps(own)
    if stored is None:
        stored = secrets_manager.create_secret(Name=name, SecretString=text)
    elif stored["SecretString"] != text:
        stored = secrets_manager.put_secret_value(SecretId=name, SecretString=text)
    return _parameters(stored, own)


def _stored(secrets_manager: Any, name: str) -> Mapping[str, str] | None:
    try:
        stored: Mapping[str, str] = secrets_manager.get_secret_value(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return stored


def _parameters(stored: Mapping[str, str], settings: Iterable[str]) -> dict[str, str]:
    # By its version CloudFormation knows that it has changed.
    versions = {secret_parameter(setting): f"{setting}::{stored['VersionId']}" for setting in settings}
    return {SECRET_PARAMETER: stored["ARN"], **versions}
