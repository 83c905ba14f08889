"""How a program serves its page: strict about where things come from, and never an old one."""

from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from web import STATIC

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)
"""No inline script or style, nothing from elsewhere, in nobody's frame (https://www.w3.org/TR/CSP3/)."""

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageFiles(StaticFiles):
    """A directory's files, each asked for anew: one of an earlier version would not fit the others."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with the file, or that it has not changed."""
        response = await super().get_response(path, scope)
        response.headers.update({name: HEADERS[name] for name in ("Cache-Control", "X-Content-Type-Options")})
        return response


def page_file(path: Path) -> FileResponse:
    """Answer with the HTML of a page."""
    return FileResponse(path, media_type="text/html", headers=HEADERS)


def mount_files(app: FastAPI, directory: Path) -> None:
    """Serve a page's own files under /static, and what all pages share under /static/web."""
    app.mount("/static/web", PageFiles(directory=STATIC))
    app.mount("/static", PageFiles(directory=directory))
