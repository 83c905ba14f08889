"""The task type that docs/adding-a-task-type.md adds: who follows it has the same file in `services/tasks`."""
