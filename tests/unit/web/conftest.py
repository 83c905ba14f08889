"""What the unit tests of the HTTP servers share."""

from tests.service_fixtures import plain_environment  # noqa: F401  # a fixture
