"""The account of AWS that the shell leads to, and a line for what AWS refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # botocore's own
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from stack.errors import StackError

_CONFIG = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard"})

_NO_REGION = "There is no region of AWS: set AWS_DEFAULT_REGION, as to eu-central-1, or let `aws configure` store one."
_NO_CREDENTIALS = (
    "There are no credentials of AWS: let `aws configure` store some, name a profile by AWS_PROFILE,"
    " or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)
_EXPIRED = "The credentials of AWS have expired: sign in again, as by `aws sso login`, or set new ones."
_UNKNOWN = "AWS does not know these credentials: see AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."

# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html, and what single services call them.
_LINES_OF_CODES = {
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), _EXPIRED),
    **dict.fromkeys(
        ("AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        _UNKNOWN,
    ),
    "UnrecognizedClientException": _UNKNOWN,
}

_LINES_OF_CLIENTS: tuple[tuple[tuple[type[BotoCoreError], ...], str], ...] = (
    ((NoCredentialsError, PartialCredentialsError), _NO_CREDENTIALS),
    ((NoRegionError,), _NO_REGION),
    ((ProfileNotFound,), "AWS_PROFILE: {}. `aws configure list-profiles` lists those that there are."),
    ((SSOError, TokenRetrievalError), f"{_EXPIRED} ({{}})"),
    ((ConnectionError, HTTPClientError), "AWS is not reached: {} (AWS_ENDPOINT_URL and HTTPS_PROXY say which way)"),
)


@dataclass(frozen=True)
class Account:
    """An account of AWS, in a region."""

    number: str
    region: str
    endpoint: str
    """Where CloudFormation is: AWS's own, or what AWS_ENDPOINT_URL names."""
    session: Any = field(repr=False)

    def client(self, service: str) -> Any:
        """Return a client of one of its services."""
        return self.session.client(service, config=_CONFIG)


def open_account() -> Account:
    """Return the account that the environment and AWS's files of configuration lead to.

    Raises `StackError` with what to do where there is no region, no credentials, or none that are good.
    """
    with refusals_said():
        session = boto3.Session()
        if session.region_name is None:
            raise StackError(_NO_REGION)
        number = session.client("sts", config=_CONFIG).get_caller_identity()["Account"]
        endpoint = session.client("cloudformation", config=_CONFIG).meta.endpoint_url
    return Account(number, session.region_name, endpoint, session)


@contextmanager
def refusals_said() -> Iterator[None]:
    """Raise `StackError` with a line for whatever a client of AWS raises in the block."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StackError(line_of(error)) from error


def line_of(error: BotoCoreError | ClientError) -> str:
    """Return what to do about an error of AWS, or of the way there. Pure."""
    if isinstance(error, ClientError):
        return _line_of_refusal(error)
    for classes, line in _LINES_OF_CLIENTS:
        if isinstance(error, classes):
            return line.format(error)
    return f"AWS cannot be asked: {error}"


def _line_of_refusal(error: ClientError) -> str:
    refusal = error.response["Error"]
    code, message = refusal.get("Code", ""), refusal.get("Message", "")
    return _LINES_OF_CODES.get(code) or f"AWS refuses {error.operation_name}: {message} ({code})"
