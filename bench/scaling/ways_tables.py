"""The regions of docs/aws.md: what the stack costs and carries as functions, and as containers."""

from math import fsum

from bench.measurements import FUNCTIONS_RESULTS, Results
from bench.scaling.aws import (
    ALARM_DOLLARS_PER_MONTH,
    FREE_ALARMS,
    HOURS_PER_MONTH,
    MAX_BATCH_ENTRIES,
    MB_OF_A_CORE,
    SECONDS_PER_MONTH,
    STANDARD_DOLLARS_PER_REQUEST,
)
from bench.scaling.capacity import Worker
from bench.scaling.capacity_tables import KINDS_OF_TASKS, cpu_of_a_task
from bench.scaling.cost_tables import MILLION, fleet_for, full_batches, standing_requests
from bench.scaling.markdown import dollars, number, table, whole
from bench.scaling.measured import accepted_per_second, measured_functions
from bench.scaling.request_rates import batched
from bench.scaling.ways import (
    WORKER_SIZE,
    ContainerFleet,
    Functions,
    Task,
    busy_container_dollars,
    container_fleet,
    deployed_functions,
)
from bench.systems import PROJECT
from services.queues import define_queues
from services.task_types.loading import load_task_types
from services.worker.settings import WorkerSettings

_RATES = (0.01, 0.1, 1, 10, 30, 100, 300, 1000)
_WAITING = Task(wait=0.2)

_SLOTS = WorkerSettings.model_construct().worker_concurrency

_NOT_LOOKED_UP = "AWS's price"


def functions() -> Functions:
    """Return the stack as functions, as measured and as the template has it."""
    return Functions(measured_functions(), deployed_functions())


def _worker(task: Task) -> Worker:
    cpu = cpu_of_a_task() + task.cpu
    return Worker(concurrency=_SLOTS, cpu=cpu, wait=task.wait, callback=task.callback)


def _worked_queues() -> int:
    queues = define_queues(load_task_types(["services.tasks"])).values()
    return sum(queue.consumer == "worker" for queue in queues)


def _fleet(rate: float, task: Task) -> ContainerFleet:
    return container_fleet(rate, _worker(task), accepted_per_second(), _worked_queues())


def million_table() -> str:
    """What a million tasks cost, by how full batches are and by what they wait for."""
    rows = [
        _million_as_functions("small tasks, one by one", Task(), 1),
        _million_as_functions("small tasks, in full batches", Task(), MAX_BATCH_ENTRIES),
        _million_as_functions("tasks that wait 200 ms, one by one", _WAITING, 1),
        _million_as_functions("tasks that wait 200 ms, in full batches", _WAITING, MAX_BATCH_ENTRIES),
        _million_in_containers("small tasks, containers 70 % busy", Task()),
        _million_in_containers("tasks that wait 200 ms, containers 70 % busy", _WAITING),
    ]
    header = [
        "a million of",
        "way",
        "SQS requests a task",
        "invocations a task",
        "GB-seconds",
        "SQS",
        "computing",
        "all",
    ]
    return table(header, rows)


def _million_as_functions(what: str, task: Task, batch: int) -> list[str]:
    use = functions().use(task, batch)
    return [
        what,
        "functions",
        number(use.sqs_requests),
        number(use.invocations),
        whole(MILLION * use.gb_seconds),
        dollars(MILLION * use.sqs_dollars),
        dollars(MILLION * use.lambda_dollars),
        dollars(MILLION * use.dollars),
    ]


def _million_in_containers(what: str, task: Task) -> list[str]:
    requests = full_batches(PROJECT.name).total
    sqs = MILLION * requests * STANDARD_DOLLARS_PER_REQUEST
    computing = MILLION * busy_container_dollars(_worker(task), accepted_per_second())
    return [what, "containers", number(requests), "0", "0", dollars(sqs), dollars(computing), dollars(sqs + computing)]


def month_table() -> str:
    """What a month of small tasks at a steady rate costs."""

    def row(rate: float) -> list[str]:
        sqs, computing = functions().month(Task(), rate)
        fleet = _fleet(rate, Task())
        standing = fsum(each.per_second for each in standing_requests())
        requests = batched(rate, fleet_for(rate)).total * rate + standing
        in_containers = requests * SECONDS_PER_MONTH * STANDARD_DOLLARS_PER_REQUEST
        return [
            number(rate),
            whole(rate * SECONDS_PER_MONTH),
            dollars(sqs),
            dollars(computing),
            f"**{dollars(sqs + computing)}**",
            dollars(in_containers),
            dollars(fleet.dollars_per_month),
            f"**{dollars(in_containers + fleet.dollars_per_month)}**",
        ]

    header = [
        "tasks/s",
        "tasks a month",
        "functions: SQS",
        "Lambda",
        "**functions**",
        "containers: SQS",
        "Fargate",
        "**containers**",
    ]
    return table(header, map(row, _RATES))


def idle_table() -> str:
    """What is paid while nothing happens, and for what."""
    as_functions, fleet = functions(), _fleet(0.01, Task())
    deployed = as_functions.deployed
    polls = as_functions.idle_requests_per_second * SECONDS_PER_MONTH
    standing = fsum(each.per_month for each in standing_requests())
    rows = [
        [
            f"Lambda's polls of {deployed.triggers} queues",
            "functions",
            f"{whole(polls)} requests",
            dollars(polls * STANDARD_DOLLARS_PER_REQUEST),
        ],
        ["the functions themselves", "functions", "0 invocations", dollars(0)],
        [
            "metrics of alarms",
            "functions",
            f"{deployed.alarm_metrics}, {FREE_ALARMS} of them free",
            dollars((deployed.alarm_metrics - FREE_ALARMS) * ALARM_DOLLARS_PER_MONTH),
        ],
        [
            "long polls, looks at the queues",
            "containers",
            f"{whole(standing)} requests",
            dollars(standing * STANDARD_DOLLARS_PER_REQUEST),
        ],
        [
            f"{fleet.api} of the API, {fleet.workers} workers, the DLQ watcher",
            "containers",
            f"{whole(fleet.vcpu * HOURS_PER_MONTH)} vCPU-hours, {whole(fleet.gb * HOURS_PER_MONTH)} GB-hours",
            dollars(fleet.dollars_per_month),
        ],
        ["load balancer", "containers", f"{whole(HOURS_PER_MONTH)} hours, and its capacity units", _NOT_LOOKED_UP],
        ["a public IPv4 address for each container", "containers", f"{fleet.api + fleet.workers + 1}", _NOT_LOOKED_UP],
        ["secret", "both", "1", _NOT_LOOKED_UP],
    ]
    return table(["idle", "way", "a month", "cost"], rows)


def at_once_table() -> str:
    """What one queue carries at the defaults."""
    as_functions = functions()

    def row(name: str, task: Task) -> list[str]:
        return [
            name,
            whole(as_functions.tasks_per_second(task, MAX_BATCH_ENTRIES)),
            whole(as_functions.tasks_per_second(task, 1)),
            whole(_worker(task).tasks_per_second),
        ]

    concurrency = as_functions.deployed.max_concurrency
    header = [
        "tasks/s of one queue",
        f"functions, {concurrency} batches of {MAX_BATCH_ENTRIES}",
        f"functions, {concurrency} batches of 1",
        f"a worker of {WORKER_SIZE.vcpu:g} vCPU, {_SLOTS} slots",
    ]
    return table(header, [row(name, Task(**needs)) for name, needs in KINDS_OF_TASKS.items()])


def invocations_table() -> str:
    """What was measured of a function, where and when, and how long that is on Lambda."""
    as_functions = functions()
    found = as_functions.measured

    def row(name: str, cpu: float, waits: float) -> list[str]:
        on_a_core, billed = cpu + waits, as_functions.seconds_of(cpu) + waits
        return [name, f"{number(1000 * cpu)} ms", f"{number(1000 * on_a_core)} ms", f"{number(1000 * billed)} ms"]

    callback = Task().callback
    rows = [
        row("a request of the API", found.api_request, as_functions.round_trip),
        row("a batch of 1 small task", found.batch_of_one, callback),
        row(f"a batch of {MAX_BATCH_ENTRIES} small tasks", found.batch_of_ten, callback),
        row("INIT of the API", found.api_init, 0),
        row("INIT of a worker", found.worker_init, 0),
    ]
    deployed = as_functions.deployed
    header = [
        "invocation",
        "CPU, measured",
        f"time with a core, {whole(MB_OF_A_CORE)} MB",
        f"time with {deployed.memory_mb} MB",
    ]
    surroundings = Results.load(FUNCTIONS_RESULTS).surroundings
    where = f"Python {surroundings.versions['Python']}, {surroundings.machine}, {surroundings.date[:10]}"
    return f"{table(header, rows)}\n\n(CPU by `make bench-functions`: {where}.)"
