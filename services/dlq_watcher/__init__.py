"""The DLQ watcher: reports what failed for good, `python -m services.dlq_watcher`."""
