"""Which addresses requests made for users may reach."""

from pydantic import HttpUrl

from services.settings import Settings


class ExampleReceiverSettings(Settings):
    """Where whoever tries the API out hears callbacks."""

    example_receiver_url: HttpUrl = HttpUrl("http://localhost:9000/callback")
    """The callback that the documentation's examples are prefilled with."""
