"""One task's story, from the logs of all services."""
