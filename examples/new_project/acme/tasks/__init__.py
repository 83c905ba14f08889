"""Each module here that defines `TASK_TYPE` is a task type."""
