"""What a task type is, and where they are found."""
