"""The stack's plugin, for all tests."""

pytest_plugins = ["stack.testing"]
