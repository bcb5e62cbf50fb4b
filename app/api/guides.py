"""`/docs/start.md` and the other guides, as text, for readers of the reference."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as InPath

from app.api.routes import StrictRoute
from app.errors import Problem

router = APIRouter(route_class=StrictRoute, include_in_schema=False)
GUIDES = {
    "start": "Start",
    "concepts": "Concepts",
    "query": "Query",
    "analysts": "For analysts",
    "dashboards": "For dashboard builders",
    "curators": "For curators",
    "files": "Files",
    "recipes": "Recipes",
    "embed": "Embed",
    "clients": "Clients",
}
# In a checkout they are where they are written; a wheel has a copy.
FOLDERS = (Path(__file__).parents[2] / "docs", Path(__file__).parents[1] / "guides")
FOLDER = next((folder for folder in FOLDERS if (folder / "start.md").exists()), FOLDERS[1])


@router.get("/docs/{name}.md")
async def get_guide(name: Annotated[str, InPath()]) -> Response:
    """Return a guide. Raise `not-found` for any other name.

    It is plain text, because browsers download other types of Markdown instead of showing them.
    """
    if name not in GUIDES:
        raise Problem("not-found", f"There is no such guide; there are: {', '.join(GUIDES)}.")
    text = (FOLDER / f"{name}.md").read_bytes()
    return Response(text, media_type="text/plain; charset=utf-8")
