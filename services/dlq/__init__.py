"""The command line of the dead-letter queues: look at dead messages and redrive them, `python -m services.dlq`."""
