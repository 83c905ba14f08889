"""The plugin of async-tasks, for all tests."""

pytest_plugins = ["stack.testing"]
