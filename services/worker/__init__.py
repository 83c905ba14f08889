"""The worker: consumes one queue, `python -m services.worker QUEUE`."""
