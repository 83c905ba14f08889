"""The task types of Acme, and what they are made of."""
