"""A LocalStack that has CloudFormation, which the one of all other tests has not."""

from collections.abc import Iterator

import pytest

from stack.interpreter import environment_beside
from tests.integration.conftest import running_localstack

_SERVICES = "sqs,cloudformation,cloudwatch,secretsmanager,ssm,sts"


@pytest.fixture(scope="session")
def cloudformation_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of one, in which LocalStack's hook has made the queues of the project's task types too."""
    directory = tmp_path_factory.mktemp("localstack-cloudformation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALSTACK_PYTHON", str(environment_beside("localstack-functions") / "bin" / "python"))
        with running_localstack(directory, settings={"SERVICES": _SERVICES}) as (url, readiness):
            assert readiness.verdict == "ready", readiness.reason
            yield url
