"""What the console reads from its environment."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, HttpUrl
from pydantic_settings import NoDecode

from services.runtime.settings import ServiceSettings
from services.settings import ApiKeys, CommaSeparated, Port


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """A service, and where all its instances are asked: a host that has several addresses is as many."""

    name: str
    url: str

    @classmethod
    def parse(cls, text: str) -> "ServiceAddress":
        """Read `name=http://host:port`. Raises ValueError for anything else."""
        name, _, url = text.partition("=")
        address = urlsplit(url)
        try:
            is_complete = bool(name and address.scheme == "http" and address.hostname and address.port)
        except ValueError:  # of a port that is no number
            is_complete = False
        if not is_complete or address.path.strip("/") or address.query or address.fragment or address.username:
            raise ValueError(f"{text!r} is not name=http://host:port, such as api=http://127.0.0.1:8081")
        return cls(name, url.rstrip("/"))


def _service_address(value: Any) -> Any:
    return ServiceAddress.parse(value) if isinstance(value, str) else value


class ConsoleSettings(ServiceSettings):
    """The console's settings."""

    console_host: str = "127.0.0.1"
    console_port: Port = 8080
    console_enabled: bool = False
    """Must be true where the queues are AWS's: else it does not start there."""
    console_allowed_hosts: Annotated[list[str], NoDecode, CommaSeparated] = []
    """Names besides those of loopback by which browsers may call it."""
    console_sample_seconds: Annotated[float, Field(ge=0.5, le=60, allow_inf_nan=False)] = 5
    """How often it looks at the queues and the services."""
    console_services: Annotated[
        list[Annotated[ServiceAddress, BeforeValidator(_service_address)]], NoDecode, CommaSeparated
    ] = []
    """The services that it asks for what they do, as `name=http://host:port` of their health endpoints."""
    console_api_url: HttpUrl = HttpUrl("http://localhost:8000")
    """Where it submits tasks."""
    console_api_docs_url: HttpUrl | None = None
    """The API's documentation as a browser reaches it; unset, `/docs` of `console_api_url`."""
    console_inbox_url: HttpUrl | None = None
    """A page that shows the callbacks, as a browser reaches it."""
    api_keys: ApiKeys = None
    """It submits tasks with the first of these."""

    @property
    def api_url(self) -> str:
        """The API's URL, without a slash."""
        return str(self.console_api_url).rstrip("/")

    @property
    def api_docs_url(self) -> str:
        """Where a person reads the API's documentation."""
        return str(self.console_api_docs_url or f"{self.api_url}/docs")
