"""What `down` saves before LocalStack ends, which itself keeps nothing.

LocalStack is not stopped where what it holds could not be saved, unless that is forced.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stack.config import StackSettings
from stack.errors import StackError
from stack.localstack.saved_messages import save
from stack.readiness import Readiness, http_probe, wait_for_verdict
from stack.terminal import OnProgress

ANSWER_SECONDS = 20.0
"""LocalStack may have been started a moment ago, or have much to do."""

FORCED = "`make down FORCE=1` stops it all the same, and what is queued is lost."


@dataclass(frozen=True)
class BrokerState:
    """Whether LocalStack can hold messages."""

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
    """Stop what sends to the queues and receives from them, then save what they hold, if LocalStack can hold anything.

    Raises `StackError`, and LocalStack must run on, where what is queued could not be saved and nothing forces it;
    where that is known before, nothing is stopped.
    """
    problem = saving_problem(settings, look, 0 if force else ANSWER_SECONDS)
    if problem and not force:
        raise StackError(f"{problem} What is queued could not be saved, so nothing was stopped. {FORCED}")
    stop_consumers()
    if look().name == "ended":
        on_progress("LocalStack has ended: if messages were in its queues, they are gone.")
    if look().name in {"ended", "never started"}:
        return
    try:
        save(settings, on_progress)
    except (StackError, OSError) as error:
        if not force:
            raise StackError(
                f"What is queued could not be saved ({error}): LocalStack runs on and holds it, the services are "
                f"stopped. `make down` tries again, `make up` starts them again. {FORCED}"
            ) from error
        on_progress(f"What was queued is lost, as it could not be saved ({error}).")


def refuse_paused(broker: BrokerState) -> None:
    """Raise `StackError` where LocalStack is paused: nothing can be done with it."""
    if broker.name == "paused":
        raise StackError(_paused(broker))


def saving_problem(settings: StackSettings, look: Callable[[], BrokerState], timeout_seconds: float) -> str:
    """Why LocalStack cannot be asked for what it holds, after so long; empty where it can, or holds nothing."""
    answers = http_probe(f"{settings.localstack_url}/_localstack/health")

    def probe() -> Readiness:
        broker = look()
        if broker.name == "paused":
            return Readiness("failed", _paused(broker))
        return answers() if broker.name == "running" else Readiness("ready")

    answer = wait_for_verdict(probe, timeout_seconds)
    if answer.verdict == "not yet":
        return f"LocalStack runs and does not answer: {answer.reason}."
    return answer.reason


def _paused(broker: BrokerState) -> str:
    return f"LocalStack is paused: `{broker.resume}` lets it go on."
