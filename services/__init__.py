"""The deployables (api, worker, dlq_watcher), the task types (tasks), and what they share."""
