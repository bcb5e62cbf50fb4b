"""`/docs`: the reference, without any file from another host."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.api.guides import GUIDES

router = APIRouter(include_in_schema=False)
SCRIPT, STYLE = (
    Path(__file__).with_suffix(suffix).read_text(encoding="utf-8") for suffix in (".js", ".css")
)
# Addresses are relative, so that they work behind a prefix.
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title: API reference</title>
<link rel="icon" href="favicon.ico">
<link rel="stylesheet" href="static-offline-docs/swagger-ui.css">
<style>$style</style>
</head>
<body>
<header class="bar">
<a href="./">Timeline</a>
<nav aria-label="Guides">
$guides
</nav>
</header>
<main id="swagger-ui"></main>
<noscript>
This reference needs JavaScript. The same is in <a href="openapi.json">openapi.json</a>.
</noscript>
<script src="static-offline-docs/swagger-ui-bundle.js"></script>
<script>$script</script>
</body>
</html>
""")
LINKS = "\n".join(f'<a href="docs/{name}.md">{title}</a>' for name, title in GUIDES.items())
DIGEST = b64encode(sha256(SCRIPT.encode()).digest()).decode()
# Swagger UI sets inline styles and has icons as data URLs.
POLICY = (
    f"default-src 'none'; script-src 'self' 'sha256-{DIGEST}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


@router.get("/docs")
async def get_reference(request: Request) -> HTMLResponse:
    """Return Swagger UI, allowed to run only the scripts of this page (CSP 3 section 6.7.2)."""
    page = PAGE.substitute(
        title=escape(request.app.title), style=STYLE, script=SCRIPT, guides=LINKS
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})
