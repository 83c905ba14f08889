"""The log events of what runs the functions, which stories know by name. It imports nothing."""

FUNCTION_ENDED = "function ended"
"""LocalStack's plug-in (aws/localstack/function_runtime.py): a process has ended, or run out of time.

There is a line for each task that it had in flight: SQS gives the message again. Fields: `reason`, `after_seconds`,
`queue`.
"""
