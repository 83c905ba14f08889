"""A project of its own, beside a clone of async-tasks."""
