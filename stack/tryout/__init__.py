"""Trying a running stack: to submit tasks, and to see what becomes of them."""
