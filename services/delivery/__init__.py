"""Outcomes on their way to their callbacks."""
