"""The same in the place of `data`: its work must not be repeated."""

from dataclasses import replace

from tests.integration.services.worker.held_tasks import calculation

TASK_TYPE = replace(calculation.TASK_TYPE, name="data", route="/data", max_attempts=1)
