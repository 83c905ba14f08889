"""The task types of the project."""
