"""The errors that say what becomes of a message, and what an error says of itself."""


class PermanentError(Exception):
    """No further attempt can succeed.

    `attempts` is how many were made in all, where that is not the receive count of the message at hand.
    """

    def __init__(self, message: str, attempts: int | None = None) -> None:
        super().__init__(message)
        self.attempts = attempts


class RetryLaterError(Exception):
    """The attempt failed and says when to come back.

    `after_seconds` is the earliest time that the other side asked for; None where it asked for none.
    """

    def __init__(self, message: str, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


def is_sentence(error: BaseException) -> bool:
    """Return whether the error's text says all that there is: it is one of our own, with no trace worth keeping."""
    return isinstance(error, PermanentError | RetryLaterError)


def reason_of(error: BaseException) -> str:
    """Name the error by type and text; our own errors are sentences already."""
    text = text_of_error(error)
    if is_sentence(error):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def text_of_error(error: BaseException) -> str:
    """Return the error's text; a task type's own may raise when it is asked for it."""
    try:
        return str(error)
    except Exception as another:  # noqa: BLE001  # whatever it is, it is not the error in question
        return f"its text cannot be had ({type(another).__name__})"
