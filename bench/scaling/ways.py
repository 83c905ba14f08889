"""What the stack costs and carries in either way of running it on AWS: as functions of Lambda, or as containers.

All times are in seconds, all rates per second.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from bench.scaling.aws import (
    FARGATE_DOLLARS_PER_GB_HOUR,
    FARGATE_DOLLARS_PER_VCPU_HOUR,
    HOURS_PER_MONTH,
    IDLE_POLL_SECONDS,
    IDLE_POLLERS,
    LAMBDA_DOLLARS_PER_GB_SECOND,
    LAMBDA_DOLLARS_PER_INVOCATION,
    MAX_BATCH_ENTRIES,
    MB_OF_A_CORE,
    SECONDS_PER_MONTH,
    STANDARD_DOLLARS_PER_REQUEST,
)
from bench.scaling.capacity import Worker, processes_needed
from bench.scaling.measured import MeasuredFunctions
from services.task_types.loading import TaskTypes, load_task_types
from stack.aws.containers_template import containers_template
from stack.aws.functions_template import functions_template
from stack.aws.programs import Kind

UTILISATION = 0.7
"""How busy containers are planned to be: it leaves room for a burst, and for a worker that is lost."""

_MB_PER_GB = 1024
_CPU_UNITS_PER_VCPU = 1024


def _task_types() -> TaskTypes:
    return load_task_types(["services.tasks"])


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a task is, beside what the stack itself does for it."""

    cpu: float = 0.0
    wait: float = 0.0
    """For others: databases, APIs."""
    callback: float = 0.005
    """How long its receiver takes to answer."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What `aws/functions.yaml` deploys."""

    memory_mb: int
    max_concurrency: int
    """Batches of each queue that are worked at a time."""
    triggers: int
    """Event source mappings: queues that are polled."""
    alarm_metrics: int
    """The metrics of its alarms, by which AWS bills them."""


@cache
def deployed_functions() -> Deployed:
    """Return what the template has where nothing is set."""
    template = functions_template(_task_types(), {})
    parameters, resources = template["Parameters"], template["Resources"].values()
    return Deployed(
        memory_mb=parameters["MemorySize"]["Default"],
        max_concurrency=parameters["MaximumConcurrency"]["Default"],
        triggers=sum(len(each["Properties"].get("Events", {})) for each in resources),
        alarm_metrics=sum(_alarm_metrics(each) for each in resources),
    )


def _alarm_metrics(resource: dict[str, Any]) -> int:
    if resource["Type"] != "AWS::CloudWatch::Alarm":
        return 0
    metrics = resource["Properties"].get("Metrics")
    return 1 if metrics is None else sum("MetricStat" in each for each in metrics)


@dataclass(frozen=True, slots=True)
class FunctionUse:
    """What a task takes as functions: what AWS bills."""

    sqs_requests: float
    invocations: float
    gb_seconds: float

    @property
    def sqs_dollars(self) -> float:
        """Of SQS."""
        return self.sqs_requests * STANDARD_DOLLARS_PER_REQUEST

    @property
    def lambda_dollars(self) -> float:
        """Of Lambda."""
        return self.invocations * LAMBDA_DOLLARS_PER_INVOCATION + self.gb_seconds * LAMBDA_DOLLARS_PER_GB_SECOND

    @property
    def dollars(self) -> float:
        """Of both."""
        return self.sqs_dollars + self.lambda_dollars


@dataclass(frozen=True)
class Functions:
    """The stack as functions."""

    measured: MeasuredFunctions
    deployed: Deployed
    round_trip: float = 0.01
    """Of a request to SQS."""

    def seconds_of(self, cpu: float) -> float:
        """Return how long a function takes for so much of a core: it has a share of one, by its memory."""
        return cpu / min(1, self.deployed.memory_mb / MB_OF_A_CORE)

    @property
    def request_seconds(self) -> float:
        """How long a request of the API is billed: it waits for SQS."""
        return self.seconds_of(self.measured.api_request) + self.round_trip

    def batch_seconds(self, task: Task, batch: int) -> float:
        """Return how long a batch is billed: it computes one message after the other, and waits for all at once."""
        each = (self.measured.batch_of_ten - self.measured.batch_of_one) / (MAX_BATCH_ENTRIES - 1)
        own = self.measured.batch_of_one + (batch - 1) * each
        return self.seconds_of(own + batch * task.cpu) + task.wait + task.callback

    def use(self, task: Task, batch: int) -> FunctionUse:
        """Return what a task takes: a request sends one message, and a batch is a receive, a delete and a call."""
        seconds = self.request_seconds + self.batch_seconds(task, batch) / batch
        return FunctionUse(1 + 2 / batch, 1 + 1 / batch, seconds * self.deployed.memory_mb / _MB_PER_GB)

    def tasks_per_second(self, task: Task, batch: int) -> float:
        """Return how many tasks of one queue are done, at the template's concurrency."""
        return self.deployed.max_concurrency * batch / self.batch_seconds(task, batch)

    @property
    def idle_requests_per_second(self) -> float:
        """How often Lambda asks empty queues for messages."""
        return self.deployed.triggers * IDLE_POLLERS / IDLE_POLL_SECONDS

    def month(self, task: Task, rate: float) -> tuple[float, float]:
        """Return the dollars of a month for SQS and for Lambda, of tasks that come one by one, at a steady rate."""
        use = self.use(task, 1)
        sqs = use.sqs_dollars * rate + self.idle_requests_per_second * STANDARD_DOLLARS_PER_REQUEST
        return SECONDS_PER_MONTH * sqs, SECONDS_PER_MONTH * use.lambda_dollars * rate


@dataclass(frozen=True, slots=True)
class ContainerSize:
    """What a container is given."""

    vcpu: float
    gb: float

    @property
    def dollars_per_hour(self) -> float:
        """What Fargate takes for it."""
        return self.vcpu * FARGATE_DOLLARS_PER_VCPU_HOUR + self.gb * FARGATE_DOLLARS_PER_GB_HOUR


_PARAMETERS = containers_template(_task_types(), {})["Parameters"]


def _size(kind: Kind) -> ContainerSize:
    """Return what a container is given where nothing is set."""
    cpu, memory = (int(_PARAMETERS[f"{kind}{what}"]["Default"]) for what in ("Cpu", "Memory"))
    return ContainerSize(cpu / _CPU_UNITS_PER_VCPU, memory / _MB_PER_GB)


API_SIZE = _size("Api")
WORKER_SIZE = _size("Worker")
WATCHER_SIZE = _size("Watcher")
LEAST_API_CONTAINERS = int(_PARAMETERS["ApiMinTasks"]["Default"])


@dataclass(frozen=True, slots=True)
class ContainerFleet:
    """How many containers run."""

    api: int
    workers: int
    """Of all queues."""

    @property
    def vcpu(self) -> float:
        """Of all of them, the DLQ watcher's too."""
        return self.api * API_SIZE.vcpu + self.workers * WORKER_SIZE.vcpu + WATCHER_SIZE.vcpu

    @property
    def gb(self) -> float:
        """The same in memory."""
        return self.api * API_SIZE.gb + self.workers * WORKER_SIZE.gb + WATCHER_SIZE.gb

    @property
    def dollars_per_month(self) -> float:
        """What Fargate takes for them."""
        return HOURS_PER_MONTH * ContainerSize(self.vcpu, self.gb).dollars_per_hour


def container_fleet(rate: float, worker: Worker, accepted_per_second: float, queues: int) -> ContainerFleet:
    """Return the fleet for a rate of tasks of one queue, with a worker for each other one.

    `accepted_per_second`: what an API process accepts that has a core of its own.
    """
    api = processes_needed(rate, accepted_per_second * API_SIZE.vcpu, UTILISATION)
    workers = processes_needed(rate, worker.tasks_per_second, UTILISATION)
    return ContainerFleet(max(LEAST_API_CONTAINERS, api), workers + queues - 1)


def busy_container_dollars(worker: Worker, accepted_per_second: float) -> float:
    """Return what Fargate takes for a task where containers are as busy as planned, and no more of them run."""
    api = API_SIZE.dollars_per_hour / (accepted_per_second * API_SIZE.vcpu)
    return (api + WORKER_SIZE.dollars_per_hour / worker.tasks_per_second) / UTILISATION / 3600
