"""What the pages for people share: their look, small scripts, and the libraries they use (see static/vendor)."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""Served by each page's program under /static/web. Nothing in it is fetched from anywhere else."""
