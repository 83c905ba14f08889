"""What a worker reads from its environment."""

from services.runtime.settings import ConsumingServiceSettings
from services.settings import NonNegativeSeconds, Seconds


class WorkerSettings(ConsumingServiceSettings):
    """The worker's settings."""

    task_delay_seconds: NonNegativeSeconds = 0
    """An artificial wait before each task, to watch the queue at work."""
    task_timeout_seconds: Seconds = 300
    """How long one attempt at a task may run; longer, it has failed."""
