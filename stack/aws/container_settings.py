"""What the environment of each container is: the user's settings, what the place decides, and which secrets."""

from collections.abc import Mapping

API_PORT = 8000
HEALTH_PORT = 8081
"""As in docker-compose.yml."""

USER_AND_GROUP = 10001
"""As in the Dockerfile: a number, as Kubernetes does not know who a name is."""

SCRATCH_MEBIBYTES = 64
"""Of /tmp, as in docker-compose.yml."""

API_SECRETS = ("API_KEYS",)
WORKER_SECRETS = ("CALLBACK_SIGNING_SECRET",)
WATCHER_SECRETS = ("CALLBACK_SIGNING_SECRET", "SLACK_BOT_TOKEN")

SECRETS = tuple(dict.fromkeys([*API_SECRETS, *WORKER_SECRETS, *WATCHER_SECRETS]))
"""The names of the settings that stand in no file."""

MUST_BE_SECRET = ("API_KEYS",)
"""Without it the API would be open to everybody."""


def plain_settings(environment: Mapping[str, str], decided: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that stand in a file: the user's, and above them what the place decides.

    No secrets, and nothing that the user's own programs find AWS by: there a service has a role and a region, and the
    user's credentials are nobody's business.
    """
    chosen = {name: value for name, value in environment.items() if name not in SECRETS and not name.startswith("AWS_")}
    return {"LOG_FORMAT": "json", **chosen, **decided}
