"""What the place of a container decides, on ECS as on Kubernetes."""

API_PORT = 8000
HEALTH_PORT = 8081
"""As in docker-compose.yml."""

LOG_FORMAT = "json"
"""As it is read by programs."""

USER_AND_GROUP = 10001
"""As in the Dockerfile: a number, as Kubernetes does not know who a name is."""

SCRATCH_MEBIBYTES = 64
"""Of /tmp, as in docker-compose.yml."""
