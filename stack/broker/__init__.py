"""The broker as the commands see it: its queues, and the messages that outlive it."""
