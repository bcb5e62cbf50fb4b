"""`/docs`: the reference, without any file from another host."""

import re
from base64 import b64encode
from hashlib import sha256

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
FILES = "static-offline-docs"  # relative, as all addresses here, so that it works behind a prefix
INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
# Swagger UI sets inline styles and has icons as data URLs.
POLICY = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
PARAMETERS = {"tryItOutEnabled": True, "docExpansion": "list", "validatorUrl": None}


@router.get("/docs")
async def get_reference(request: Request) -> HTMLResponse:
    """Return Swagger UI, allowed to run only the scripts of this page."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=f"{request.app.title} - Swagger UI",
        swagger_js_url=f"{FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{FILES}/swagger-ui.css",
        swagger_favicon_url=f"{FILES}/favicon.png",
        swagger_ui_parameters=PARAMETERS,
    )
    page.headers["Content-Security-Policy"] = policy(bytes(page.body))
    return page


def policy(page: bytes) -> str:
    """Return the policy that lets a page run its own inline scripts (CSP 3 section 6.7.2)."""
    digests = (b64encode(sha256(code).digest()).decode() for code in INLINE_SCRIPT.findall(page))
    return POLICY.format(scripts=" ".join(f"'sha256-{digest}'" for digest in digests))
