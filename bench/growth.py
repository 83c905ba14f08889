"""How this project grows: with tasks and workers, with receivers that take their time, and with large payloads."""

from collections.abc import Sequence
from uuid import UUID

from bench.lab import Lab, running_receiver
from bench.loads import Figures, drain, rush
from bench.steps import Step
from bench.systems import PROJECT, PROJECT_OVER_HTTP
from services.messages import MAX_BODY_BYTES, encode_task

GROWTH = "growth"
SLOW_RECEIVER = "slow-receiver"
PAYLOAD = "payload"

SIZES = (1000, 10_000, 50_000)
WORKERS = (1, 2, 4)
CONCURRENCIES = (50, 200)
RECEIVER_SECONDS = 1.0
# Enough waves that the first and the last weigh little.
WAVES = 10

# The request is the largest that the API takes: what it is wrapped in is part of the message.
LARGEST_REQUEST_BYTES = MAX_BODY_BYTES - len(encode_task(str(UUID(int=0)), "calculation", ""))
PAYLOADS = {1_000: 500, 100_000: 100, 300_000: 60, LARGEST_REQUEST_BYTES: 30}
"""Bytes of a request, and how many of them are submitted."""
# The API holds 32 MiB of bodies at a time.
PAYLOAD_CONNECTIONS = 16


def growth_case(tasks: int, workers: int) -> str:
    """Return the name of a case of `growth`."""
    return f"{tasks} tasks, {workers} workers"


def growth_step(tasks: int, workers: int) -> Step:
    """Return the step that drains so many tasks with so many workers, and watches their memory."""

    def measure(lab: Lab) -> Figures:
        with lab.running(PROJECT, workers=workers) as run:
            samples: list[tuple[int, int]] = []

            def observe(heard: int) -> None:
                samples.append((heard, sum(worker.resident_bytes() for worker in run.workers)))

            figures = drain(run, tasks, observe)
            return figures | memory_over_progress(samples, tasks)

    return Step(GROWTH, PROJECT.name, growth_case(tasks, workers), measure)


def memory_over_progress(samples: Sequence[tuple[int, int]], tasks: int) -> Figures:
    """Return the memory, in MB, when each tenth of the tasks was done. A sample is tasks done and bytes held then."""
    figures = {}
    for percent in range(10, 101, 10):
        held = [size for done, size in samples if done * 100 >= percent * tasks]
        if held:
            figures[f"rss_mb_at.{percent:03}"] = held[0] / 1e6
    return figures


def slow_receiver_step(concurrency: int) -> Step:
    """Return the step with a receiver that takes a second to answer: slots, not CPU, must carry it."""
    system = PROJECT.with_settings({"WORKER_CONCURRENCY": str(concurrency)})

    def measure(lab: Lab) -> Figures:
        with (
            running_receiver(lab.directory, RECEIVER_SECONDS) as receiver,
            lab.running(system, receiver=receiver) as run,
        ):
            return drain(run, WAVES * concurrency)

    return Step(SLOW_RECEIVER, PROJECT.name, str(concurrency), measure)


def payload_step(request_bytes: int, tasks: int) -> Step:
    """Return the step that POSTs requests of that size to the API."""
    settings = {"BENCH_REQUEST_BYTES": str(request_bytes), "BENCH_CONNECTIONS": str(PAYLOAD_CONNECTIONS)}

    def measure(lab: Lab) -> Figures:
        with lab.running(PROJECT_OVER_HTTP.with_settings(settings)) as run:
            return rush(run, tasks)

    return Step(PAYLOAD, PROJECT.name, str(request_bytes), measure)


def growth_steps(*, quick: bool) -> Sequence[Step]:
    """Return all steps of one repetition."""
    sizes, workers = (SIZES[:1], WORKERS[:2]) if quick else (SIZES, WORKERS)
    grid = [growth_step(size, count) for size in sizes for count in workers]
    slow = [slow_receiver_step(concurrency) for concurrency in (CONCURRENCIES[:1] if quick else CONCURRENCIES)]
    payloads = [payload_step(size, max(10, tasks // 10) if quick else tasks) for size, tasks in PAYLOADS.items()]
    # The largest comes last: what there is no time for on a slow machine.
    return [*slow, *payloads, *grid]
