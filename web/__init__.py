"""What our HTTP servers share: how they take requests, and what their pages for people are made of (see static)."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""Served by each page's program under /static/web. Nothing in it is fetched from anywhere else."""
