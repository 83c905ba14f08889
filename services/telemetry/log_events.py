"""The log events that others read by name: who follows a task through the logs knows them from here, and no other way.

Each is the `event` of a line that has the task's `task_id`, and fields by which it is read; those that it has only at
times are in brackets. It imports nothing, so that a reader loads no service.
"""

ACCEPTED = "accepted"
"""The API: SQS has confirmed the task. Fields: `task_type`, [`message_group_id`, `delay_seconds`]."""

NOT_QUEUED = "task could not be queued"
"""The API: SQS has not confirmed it, and it was answered 500. Fields: `queue`, `cause`."""

ATTEMPT_FAILED = "attempt failed"
"""A consumer: an attempt ended in an exception that is no sentence by itself. Fields: `attempt`, `exception`."""

RETURNED_FOR_RETRY = "returned for retry"
"""A consumer: the message goes back to its queue. Fields: `reason`, `after_seconds`, [`attempt`]."""

NOT_RETURNED = "not returned for retry: the message is not in flight any more"
"""A consumer: there is nothing to give back. Fields: `error`."""

DROPPED = "dropped: the message is not in flight any more"
"""A consumer: somebody else may have the message by now, so nothing is made of the attempt. Fields: `reason`."""

DEAD_LETTERED = "dead-lettered"
"""A consumer: the message goes to the dead-letter queue, from a DLQ to `undelivered`. Fields: `reason`, `attempts`."""

GONE_BEFORE_DELETED = "the message was gone before it was deleted"
"""A consumer: its work is done, and nothing is left to delete. Fields: `error`."""

NOT_SETTLED = "message not settled: SQS has not confirmed it, and may give it again"
"""A consumer: what was decided did not reach SQS. Fields: `error` or `exception`."""

SQS_CALL_FAILED = "SQS call failed, trying again"
"""Whoever settles a message or sends something to a queue. Fields: `error`."""

DELIVERED = "delivered"
"""A worker, that of `callbacks`, or the DLQ watcher: the callback took the outcome.

Fields: [`delivery_attempts`] of those made in place; [`results`, `errors`], their numbers, where the work was done
just now; [`attempt`]."""

NOT_DELIVERED_YET = "not delivered yet"
"""A worker, or the DLQ watcher: the outcome goes to the queue `callbacks`.

Fields: `reason`, `delivery_attempts`, `after_seconds`, [`results`, `errors`]."""

DELIVERY_GIVEN_UP = "delivery given up"
"""A worker, or the DLQ watcher: the receiver wants no more, and the outcome goes to the DLQ of `callbacks`.

Fields: `reason`, [`results`, `errors`]."""

ALERT_LOGGED = "alert"
"""The DLQ watcher where there is no Slack: the log is where a person reads the alert. Fields: see `Alert.as_log`."""

ALERT_POSTED = "alert posted"
"""The DLQ watcher: Slack has the alert. Fields: those of the alert, `alerts_in_message`."""

ALERT_REFUSED = "alert not taken by Slack yet"
"""The DLQ watcher: it is tried again. Fields: those of the alert, `refusal`."""
