"""What `down` saves before the broker ends, which itself keeps nothing; of one that does, that it has been asked.

It is not stopped where what it holds could not be saved, unless that is forced.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stack.broker.api import broker_readiness
from stack.broker.saved_messages import save
from stack.brokers import Broker
from stack.config import StackSettings
from stack.errors import StackError
from stack.readiness import READY, Readiness, wait_for_verdict
from stack.terminal import OnProgress

ANSWER_SECONDS = 20.0
"""The broker may have been started a moment ago, or have much to do."""

FORCED_SECONDS = 30.0
"""How long what is queued may take to be saved where that is forced."""


@dataclass(frozen=True)
class BrokerState:
    """Whether the broker can hold messages."""

    name: Literal["running", "paused", "ended", "never started"]
    resume: str = ""
    """The command that lets a paused one go on."""


def stop_and_save(
    settings: StackSettings,
    look: Callable[[], BrokerState],
    stop_consumers: Callable[[], None],
    on_progress: OnProgress,
    *,
    force: bool,
) -> None:
    """Stop what sends to the queues and receives from them, then save what they hold, if the broker can hold anything.

    Raises `StackError`, and the broker must run on, where what is queued could not be saved and nothing forces it;
    where that is known before, nothing is stopped.
    """
    title = settings.broker.title
    problem = saving_problem(settings, look, 0 if force else ANSWER_SECONDS)
    if problem and not force:
        raise StackError(
            f"{problem} What is queued could not be saved, so nothing was stopped. {_forced(settings.broker)}"
        )
    stop_consumers()
    if look().name == "ended":
        on_progress(f"{title} has ended: {after_its_end(settings.broker)}")
    if look().name in {"ended", "never started"}:
        return
    try:
        if force:
            save(settings, on_progress, patience_seconds=0, most_seconds=FORCED_SECONDS)
        else:
            save(settings, on_progress)
    except (StackError, OSError) as error:
        if not force:
            raise StackError(
                f"What is queued could not be saved ({error}): {title} runs on and holds it, the services are "
                f"stopped. `make down` tries again, `make up` starts them again. {_forced(settings.broker)}"
            ) from error
        is_lost = (
            "What is queued was not counted" if settings.broker.keeps_messages else "What could not be saved is lost"
        )
        on_progress(f"{is_lost} ({error}).")


def after_its_end(broker: Broker) -> str:
    """What has become of the queues of a broker that has ended by itself."""
    becomes = f"there again when {broker.title} starts" if broker.keeps_messages else "gone"
    return f"what was in its queues then is {becomes}."


def _forced(broker: Broker) -> str:
    consequence = "it keeps what is queued" if broker.keeps_messages else "what is queued is lost"
    return f"`make down FORCE=1` stops it all the same, and {consequence}."


def refuse_paused(broker: Broker, state: BrokerState) -> None:
    """Raise `StackError` where the broker is paused: nothing can be done with it."""
    if state.name == "paused":
        raise StackError(_paused(broker, state))


def saving_problem(settings: StackSettings, look: Callable[[], BrokerState], timeout_seconds: float) -> str:
    """Why the broker cannot be asked for what it holds, after so long; empty where it can, or holds nothing."""

    def probe() -> Readiness:
        state = look()
        if state.name == "paused":
            return Readiness("failed", _paused(settings.broker, state))
        return broker_readiness(settings) if state.name == "running" else READY

    answer = wait_for_verdict(probe, timeout_seconds)
    if answer.verdict == "not yet":
        return f"{settings.broker.title} runs and does not answer: {answer.reason}."
    return answer.reason


def _paused(broker: Broker, state: BrokerState) -> str:
    return f"{broker.title} is paused: `{state.resume}` lets it go on."
