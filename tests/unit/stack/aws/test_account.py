"""What is said where AWS cannot be asked, or refuses."""

from pathlib import Path

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    UnauthorizedSSOTokenError,
)

from stack.aws.account import line_of, open_account, refusals_said
from stack.errors import StackError


def refusal(code: str, message: str = "as it is", operation: str = "GetCallerIdentity") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "There are no credentials of AWS: let `aws configure`"),
        (PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), "There are no credentials of AWS"),
        (ProfileNotFound(profile="mine"), "AWS_PROFILE: The config profile (mine) could not be found."),
        (UnauthorizedSSOTokenError(), "The credentials of AWS have expired: sign in again, as by `aws sso login`"),
        (refusal("ExpiredToken"), "The credentials of AWS have expired"),
        (refusal("ExpiredTokenException"), "The credentials of AWS have expired"),
        (refusal("InvalidClientTokenId"), "AWS does not know these credentials: see AWS_PROFILE"),
        (refusal("SignatureDoesNotMatch"), "AWS does not know these credentials"),
        (
            refusal("AccessDenied", "User: x is not authorized", "DescribeStacks"),
            "AWS refuses DescribeStacks: User: x is not authorized (AccessDenied)",
        ),
        (EndpointConnectionError(endpoint_url="http://localhost:1/"), "AWS is not reached: Could not connect"),
        (ReadTimeoutError(endpoint_url="https://sqs.example/"), "AWS is not reached: Read timeout"),
        (BotoCoreError(), "AWS cannot be asked: An unspecified error occurred"),
    ],
)
def test_a_refusal_is_a_line_that_says_what_to_do(error: BotoCoreError | ClientError, said: str) -> None:
    line = line_of(error)

    assert line.startswith(said)
    assert "{" not in line


def test_whatever_a_client_raises_ends_the_command_in_order() -> None:
    with pytest.raises(StackError, match="AWS refuses DeleteStack: no"), refusals_said():
        raise refusal("AccessDenied", "no", "DeleteStack")


def test_without_a_region_it_is_said_how_to_name_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    with pytest.raises(StackError, match="There is no region of AWS: set AWS_DEFAULT_REGION"):
        open_account()
