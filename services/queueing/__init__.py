"""SQS, and consuming it. It knows no task type."""
