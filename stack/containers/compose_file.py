"""What docker-compose.yml says of the workers, and of those that are added to it."""

from collections.abc import Iterable

from stack.status import API, DLQ_WATCHER

# Of every service in a container, as it says.
HEALTH_PORT = 8081


def worker_command(queue: str) -> list[str]:
    """The command of the container that works a queue."""
    return ["python", "-m", "services.worker", queue]


def console_services(queues: Iterable[str]) -> str:
    """The services that the console asks, inside the containers' network, with a worker for each of the queues."""
    names = [API, *(f"worker-{queue}" for queue in queues), DLQ_WATCHER]
    return ",".join(f"{name}=http://{name}:{HEALTH_PORT}" for name in names)
