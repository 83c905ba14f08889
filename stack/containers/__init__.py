"""The stack in containers, by Docker Compose."""
