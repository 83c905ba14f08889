"""What a callback costs by the HTTP client that POSTs it: the reason for the one that the services use."""

import json
from collections.abc import Iterator

from bench.errors import BenchError
from bench.lab import Lab
from bench.loads import Figures
from bench.measurements import Results
from bench.processes import running
from bench.programs.callback_client import CLIENTS
from bench.steps import ONCE, Step
from bench.systems import PROJECT_PYTHON
from bench.tables import Column, Table, by_system, total, with_range

CALLBACK_CLIENT = "callback-client"

_COLUMNS: tuple[Column, ...] = (
    ("callbacks/s", with_range, "callbacks_per_second"),
    ("CPU, µs a callback", with_range, "cpu_us"),
    ("lost", total, "lost"),
)


def callback_client_steps(*, quick: bool) -> list[Step]:
    """Return the steps of one repetition: each client POSTs to the shared receiver."""
    callbacks = 500 if quick else 2000
    return [_step(client, callbacks) for client in CLIENTS]


def callback_client_tables(results: Results) -> Iterator[Table]:
    """The table of the clients."""
    yield by_system("Callbacks by HTTP client, 64 at once", results.of(CALLBACK_CLIENT), _COLUMNS)


def _step(client: str, callbacks: int) -> Step:
    def measure(lab: Lab) -> Figures:
        lab.receiver.forget()
        arguments = ["-m", "bench.programs.callback_client", client, callbacks, lab.receiver.callback_url]
        log = lab.directory / "callback-client.log"
        with running(client, [PROJECT_PYTHON, *arguments], {}, log, pipes=True) as process:
            used = json.loads(process.ask(""))
        heard = lab.receiver.count()
        lab.receiver.forget()
        if heard != callbacks:
            raise BenchError(f"{client} LOST {callbacks - heard} of {callbacks} callbacks")
        return {
            "callbacks_per_second": callbacks / used["seconds"],
            "cpu_us": 1e6 * used["cpu_seconds"] / callbacks,
            "lost": callbacks - heard,
        }

    return Step(CALLBACK_CLIENT, client, "", measure, most_repetitions=ONCE)
