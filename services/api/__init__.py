"""The API: accepts tasks, `python -m services.api`."""
