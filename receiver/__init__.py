"""The client's side of the system for offline work: a callback inbox and a Slack stand-in."""
