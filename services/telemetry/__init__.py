"""Logs, metrics and traces. It knows no queue and no task type."""
