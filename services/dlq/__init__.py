"""The end of the line: look at dead messages and redrive them, `python -m services.dlq`."""
