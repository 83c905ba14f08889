"""The page that shows callbacks and alerts to a person. It reads the API as any client does."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from web.pages import page_file

STATIC = Path(__file__).parent / "static"

router = APIRouter(tags=["page"])


@router.get("/", summary="Callbacks and alerts on a page", response_class=FileResponse)
async def page() -> FileResponse:
    """The inbox, live; `/?task=<task_id>` opens the story of that task."""
    return page_file(STATIC / "index.html")
