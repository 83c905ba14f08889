"""Why task types cannot be loaded, in a sentence that says what to change."""


class TaskTypeError(ValueError):
    """A task type, or a package of them, is declared as it cannot work."""
