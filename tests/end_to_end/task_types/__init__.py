"""Task types that fail on demand: the end-to-end suite runs its stack with `TASK_PACKAGES` naming this package too."""
