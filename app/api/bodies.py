"""Read request bodies: check their size, content type and JSON."""

from typing import Any

import anyio.to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from app.errors import Fault, Problem, refuse
from app.schemas import read_json

MIB = 1024 * 1024
MAX_LOOP_BYTES = 16 << 10  # parsed on the event loop, in 0.3 ms at most
MAX_JSON_VALUES = 40_000  # in a document; the largest event has half as many
JSON_TYPES = ("application/json",)
PATCH_TYPES = ("application/merge-patch+json", "application/json")


async def read_body(request: Request, max_bytes: int = MIB) -> bytes:
    """Return the whole body.

    Raise Problem `body-too-large` as soon as it exceeds `max_bytes`, and `bad-request` if it is
    incomplete.
    """
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > max_bytes:
        raise _too_large(max_bytes)
    if request.headers.get("transfer-encoding", "chunked").lower() != "chunked":
        raise Problem("bad-request", "Send the body as it is or in chunks, without another coding.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise _too_large(max_bytes)
    except ClientDisconnect:
        raise Problem("bad-request", "The body is incomplete.") from None
    return bytes(body)


def _too_large(max_bytes: int) -> Problem:
    # Close: the rest of the body would have to be read before the next request.
    headers = {"Connection": "close"}
    return Problem(
        "body-too-large", f"A body may have at most {max_bytes} bytes here.", headers=headers
    )


def require_type(request: Request, accepted: tuple[str, ...]) -> str:
    """Return the media type of the body.

    Raise Problem `unsupported-media-type` if it is not one of `accepted`.
    """
    values = request.headers.getlist("content-type")
    media_type, _, parameters = (values[0] if len(values) == 1 else "").partition(";")
    media_type = media_type.strip().lower()
    charset = parameters.replace('"', "").replace(" ", "").lower()
    if media_type not in accepted or charset not in ("", "charset=utf-8", "header=present"):
        names = " or ".join(accepted)
        raise Problem("unsupported-media-type", f"Send {names} in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem("unsupported-media-type", "Send the body without a content coding.")
    return media_type


async def read_document(
    request: Request, accepted: tuple[str, ...] = JSON_TYPES
) -> tuple[bytes, Any]:
    """Return the body and its JSON. Raise Problem `bad-request` if it is not valid JSON."""
    require_type(request, accepted)
    body = await read_body(request)
    try:
        if len(body) <= MAX_LOOP_BYTES:
            return body, read_json(body, MAX_JSON_VALUES)
        async with request.app.state.parsing.slot():
            return body, await anyio.to_thread.run_sync(read_json, body, MAX_JSON_VALUES)
    except ValueError as error:
        raise refuse(Fault("body", "body", str(error)), code="bad-request") from None
