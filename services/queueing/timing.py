"""How long what is done with a message may take: also what settings are checked by, which load nothing that does it."""

JITTER = 0.2
"""A wait is lengthened or shortened by up to this part, so that what failed together does not return together."""

SETTLE_SECONDS = 5.0
"""How long before the end of a batch its attempts end: SQS has to hear what was decided."""

CANCELLATIONS = 2
CANCELLATION_SECONDS = 1.0
"""How long work may take to end when it is cancelled, and again when it is cancelled once more."""

LONGEST_CUT_SECONDS = CANCELLATIONS * CANCELLATION_SECONDS


def jittered(seconds: float, chance: float) -> float:
    """Return the wait lengthened or shortened by up to `JITTER`; `chance` goes from 0 to 1."""
    return seconds * (1 - JITTER + 2 * JITTER * chance)
