"""What the services write, and how it looks to a person."""
