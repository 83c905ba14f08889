"""The interactive documentation of an API, /docs, without the internet: its colours and its numbers are the page's."""

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from web import STATIC

_HEAD = STATIC.with_name("docs_head.html").read_text()


def serve_docs(app: FastAPI, *, static_url: str = "/static-offline-docs") -> None:
    """Serve /docs of an application of fastapi-offline that has no `docs_url`; `static_url` has its files."""

    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} - Swagger UI",
            swagger_js_url=f"{root}{static_url}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{static_url}/swagger-ui.css",
            swagger_favicon_url=f"{root}{static_url}/favicon.png",
        )
        return HTMLResponse(bytes(page.body).decode().replace("</head>", f"{_HEAD}</head>", 1))

    app.add_api_route("/docs", docs, include_in_schema=False)
