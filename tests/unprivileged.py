"""How a test runs a program as one whom the permissions of files bind, whoever runs the tests."""

import os

# By these root reads and writes what it has no permission for (capabilities(7)).
_WITHOUT_OVERRIDE = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]

UNPRIVILEGED = _WITHOUT_OVERRIDE if os.geteuid() == 0 else []
