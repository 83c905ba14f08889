"""Who may submit tasks: where API keys are configured, only those who send one of them."""

import hmac
from collections.abc import Iterable, Mapping

from fastapi import HTTPException, status
from fastapi.security import APIKeyHeader
from pydantic import SecretStr

API_KEY_HEADER = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="One of the keys that this service was configured with."
)
"""For the documentation; the check itself is made before the request's body is read."""

_HEADER = API_KEY_HEADER.model.name.lower().encode()
_UNAUTHORIZED = f"Send one of this service's API keys in the header {API_KEY_HEADER.model.name}."


class ApiKeys:
    """The keys that are valid now; none: everybody may submit."""

    def __init__(self, keys: Iterable[SecretStr]) -> None:
        self._keys = [key.get_secret_value().encode() for key in keys]

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise the 401 of a request without a valid key."""
        if self._keys and not self._is_valid(headers.get(_HEADER, b"")):
            raise HTTPException(status.HTTP_401_UNAUTHORIZED, _UNAUTHORIZED, headers={"WWW-Authenticate": "APIKey"})

    def _is_valid(self, sent: bytes) -> bool:
        # All are compared, each in constant time: how long it takes says nothing of any.
        return sum(hmac.compare_digest(sent, key) for key in self._keys) > 0
