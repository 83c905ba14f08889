"""The log events that others read by name. It imports nothing, so that a reader loads no receiver."""

CALLBACK_RECEIVED = "callback received"
"""A delivery attempt came, is stored, and is answered now: after a delay that was asked for.

Fields: `task_id`, null where it has none; `attempt`, 1 for the task's first delivery; `status` as answered, or `fault`,
why the answer never became whole, `left` where its sender left before it; `outcome`, `success` or `failure`, null where
it is neither; [`trace_id`].
"""
