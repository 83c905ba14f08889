"""The console: what the stack is doing now, on a page and as JSON, `python -m services.console`."""
