"""Which service has written a line: one that runs several times has a number behind its name."""

import re

WORKER = re.compile(r"worker-.+")
CALLBACK_WORKER = re.compile(r"worker-callbacks(-\d+)?")
DLQ_WATCHER = re.compile(r"dlq-watcher(-\d+)?")
CONSUMER = re.compile(f"{WORKER.pattern}|{DLQ_WATCHER.pattern}")
NOBODY = re.compile(r"(?!)")

RECEIVER = "receiver"
ALERTS = "alerts"
"""The function of this queue; where the services are processes the DLQ watcher works it too."""


def worker_of(task_type: str) -> re.Pattern[str]:
    """The workers of a task type."""
    return re.compile(rf"worker-{re.escape(task_type)}(-\d+)?")
