"""The task types of this project."""
