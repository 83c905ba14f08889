"""What the unit tests of the tools share."""

from tests.service_fixtures import closed_port, plain_environment, serve  # noqa: F401  # fixtures
