"""The stack on AWS: the templates that describe it there, and the commands that take it there and away."""
