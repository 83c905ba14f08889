"""The way of a request for a task to its route: past FastAPI's, which has no part in the answer and costs more."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.task_routes import TaskRoute


class TaskMiddleware:
    """Has what is POSTed to the path of a task type answered by its route; what else comes, FastAPI routes."""

    def __init__(self, app: ASGIApp, routes: Iterable[TaskRoute]) -> None:
        self._app = app
        self._routes = {route.path: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        route = self._routes.get(scope["path"]) if is_post else None
        await (self._app if route is None else route.handle)(scope, receive, send)
