"""A real LocalStack for the tools' tests, as the services' own have one."""

from tests.integration.conftest import localstack_directory, localstack_url  # noqa: F401  # fixtures
