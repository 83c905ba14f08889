"""What the unit tests of the services share."""

from tests.jumping_clock import jumping_clock  # noqa: F401  # fixture
from tests.service_fixtures import closed_port, http, plain_environment, serve, sessions  # noqa: F401  # fixtures
from tests.unread_output import unread_output  # noqa: F401  # fixture
