"""What the DLQ watcher reads from its environment."""

from typing import Annotated, Self

from pydantic import Field, HttpUrl, SecretStr, model_validator

from services.runtime.settings import ConsumingServiceSettings, FunctionSettings

LONGEST_ALERT_WINDOW_SECONDS = 3600
"""A longer one would hide failures rather than group them, and SQS lets a message be held for 12 hours only."""


class WatcherSettings(ConsumingServiceSettings):
    """The DLQ watcher's settings."""

    slack_bot_token: SecretStr | None = None
    """Unset, alerts go to the log."""
    slack_channel: str | None = None
    slack_api_url: HttpUrl | None = None
    """Where Slack's Web API is; unset, it is Slack itself."""
    alert_window_seconds: Annotated[float, Field(gt=0, le=LONGEST_ALERT_WINDOW_SECONDS, allow_inf_nan=False)] = 60
    """A first few alerts in it are posted one by one, the others gathered and posted as one when it ends."""

    @model_validator(mode="after")
    def _token_needs_channel(self) -> Self:
        if self.slack_bot_token and not self.slack_channel:
            raise ValueError("SLACK_CHANNEL must name a channel where SLACK_BOT_TOKEN is set")
        return self


class WatcherFunctionSettings(WatcherSettings, FunctionSettings):
    """The settings of a DLQ watcher that is a function."""
