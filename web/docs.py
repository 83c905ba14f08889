"""The interactive documentation of an API, /docs, without the internet: light or dark, as the system has it."""

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

# Swagger UI has dark colours since 5.31 and leaves it to the page to ask for them; these few it has forgotten.
_HEAD = """
<meta name="color-scheme" content="light dark">
<script>
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
</script>
<style>
html.dark-mode .swagger-ui :is(.header-col, .examples-select__section-label, .parameter__extension) { color: #e4e6e6; }
html.dark-mode .swagger-ui .opblock .opblock-section-header .try-out__btn.cancel { border-color: #ff8f8f; color: #ff8f8f; }
</style>
</head>"""


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
        return HTMLResponse(bytes(page.body).decode().replace("</head>", _HEAD, 1))

    app.add_api_route("/docs", docs, include_in_schema=False)
