"""The API as the console calls it: what tasks it takes, and to submit one."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

from services.console.instances import why_silent
from services.console.openapi import task_types_in
from services.console.settings import ConsoleSettings
from services.primitives import exact_json

_API_KEY_HEADER = "X-API-Key"
_ANSWER_SECONDS = 20
"""More than the API takes to read a request and to have SQS confirm it."""


class ApiError(Exception):
    """The API cannot be used; the text says what to do."""


class NoTaskRouteError(Exception):
    """The API takes no tasks at a route."""


class UnknownHeaderError(Exception):
    """A task of that type has no such header."""


class Api:
    """Calls the API with its first key, where it has keys."""

    def __init__(self, http: aiohttp.ClientSession, settings: ConsoleSettings, names: Mapping[str, str]) -> None:
        """`names` are those of the task types by their routes."""
        self._http = http
        self._url = settings.api_url
        self._names = names
        keys = settings.api_keys or []
        self._headers = {_API_KEY_HEADER: keys[0].get_secret_value()} if keys else {}

    async def task_types(self) -> list[dict[str, Any]]:
        """Return the task types of the API's OpenAPI document. Raises ApiError."""
        status, text = await self._call("GET", "/openapi.json")
        if status != HTTPStatus.OK:
            raise ApiError(f"{self._url}/openapi.json was answered {status}: is CONSOLE_API_URL the API's?")
        try:
            return task_types_in(exact_json.loads(text), self._names)
        except ValueError as error:
            raise ApiError(f"{self._url}/openapi.json: {error}: is CONSOLE_API_URL the API's?") from error

    async def submit(self, route: str, request: Any, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Submit a task; return the API's status, and its body: JSON, or else the text.

        Raises NoTaskRouteError where the API takes no tasks at that route, and UnknownHeaderError where its tasks have
        no such header: nothing else is passed on. Raises ApiError.
        """
        types = {each["route"]: each for each in await self.task_types()}
        if route not in types:
            raise NoTaskRouteError(f"The API takes no tasks at {route}: there are {', '.join(types)}.")
        known = types[route]["headers"]["properties"]
        if unknown := [name for name in headers or {} if name not in known]:
            raise UnknownHeaderError(f"A task has no header {unknown[0]}: there are {', '.join(known)}.")
        status, text = await self._call("POST", route, exact_json.dumps(request), headers)
        try:
            return status, exact_json.loads(text)
        except ValueError:
            return status, text

    async def _call(
        self, method: str, path: str, body: str | None = None, more_headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        headers = {**self._headers, **(more_headers or {})}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with (
                asyncio.timeout(_ANSWER_SECONDS),
                self._http.request(
                    method, f"{self._url}{path}", data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                return response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError) as error:
            reason = why_silent(error, _ANSWER_SECONDS)
            raise ApiError(
                f"The API does not answer at {self._url} ({reason}): is it up (`make ps`), and CONSOLE_API_URL right?"
            ) from error
