"""What a worker reads from its environment."""

from typing_extensions import override

from services.queueing.timing import LONGEST_CUT_SECONDS
from services.queues import CALLBACKS
from services.runtime.settings import ConsumingServiceSettings, FunctionSettings
from services.settings import NonNegativeSeconds, Seconds


class WorkerSettings(ConsumingServiceSettings):
    """The worker's settings."""

    task_delay_seconds: NonNegativeSeconds = 0
    """An artificial wait before each task, to watch the queue at work."""
    task_timeout_seconds: Seconds = 300
    """How long one attempt at a task may run; longer, it has failed."""

    @property
    @override
    def longest_attempt_seconds(self) -> float:
        work = self.task_delay_seconds + self.task_timeout_seconds + LONGEST_CUT_SECONDS
        return work + self.longest_delivery_seconds

    @property
    @override
    def needs_of_attempt(self) -> str:
        delay = f", TASK_DELAY_SECONDS {self.task_delay_seconds:g}" if self.task_delay_seconds else ""
        return (
            f"an attempt may take {self.longest_attempt_seconds:g} seconds"
            f" (TASK_TIMEOUT_SECONDS {self.task_timeout_seconds:g}{delay}, and CALLBACK_TIMEOUT_SECONDS for each try)"
        )


class WorkerFunctionSettings(WorkerSettings, FunctionSettings):
    """The settings of a worker that is a function."""

    worker_queue: str
    """The queue that triggers it: a task type's, or callbacks."""

    @property
    @override
    def longest_attempt_seconds(self) -> float:
        return self.callback_timeout_seconds if self.worker_queue == CALLBACKS else super().longest_attempt_seconds

    @property
    @override
    def needs_of_attempt(self) -> str:
        if self.worker_queue == CALLBACKS:
            return f"an attempt may take {self.callback_timeout_seconds:g} seconds (CALLBACK_TIMEOUT_SECONDS)"
        return super().needs_of_attempt
