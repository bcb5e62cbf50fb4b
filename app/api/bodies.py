"""What a client sends: its size, its content type and its JSON, refused before more is read."""

from typing import Any

import anyio.to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from app.errors import Fault, Problem, refuse
from app.schemas import read_json

MIB = 1024 * 1024
MAX_LOOP_BYTES = 16 << 10  # are parsed on the event loop, which takes 0.3 ms at most
MAX_VALUES = 40_000  # of a document: the largest event has half as many
JSON_TYPES = ("application/json",)
PATCH_TYPES = ("application/merge-patch+json", "application/json")


async def read_body(request: Request, most: int = MIB) -> bytes:
    """The whole body; Problem `body-too-large` as soon as it is known to be."""
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told) > most:
        raise _too_large(most)
    if request.headers.get("transfer-encoding", "chunked").lower() != "chunked":
        raise Problem("bad-request", "Send the body as it is or in chunks, without another coding.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise _too_large(most)
    except ClientDisconnect:
        raise Problem("bad-request", "The body ended before its end.") from None
    return bytes(body)


def _too_large(most: int) -> Problem:
    # What the client still sends would have to be read before the next request on this connection.
    headers = {"Connection": "close"}
    return Problem("body-too-large", f"A body may have {most} bytes here.", headers=headers)


def require_type(request: Request, accepted: tuple[str, ...]) -> str:
    """The media type of the body; Problem `unsupported-media-type` unless it is one of these."""
    said = request.headers.getlist("content-type")
    media_type, _, parameters = (said[0] if len(said) == 1 else "").partition(";")
    media_type = media_type.strip().lower()
    charset = parameters.replace('"', "").replace(" ", "").lower()
    if media_type not in accepted or charset not in ("", "charset=utf-8", "header=present"):
        named = " or ".join(accepted)
        raise Problem("unsupported-media-type", f"Send {named} in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem("unsupported-media-type", "Send the body without a content coding.")
    return media_type


async def read_document(
    request: Request, accepted: tuple[str, ...] = JSON_TYPES
) -> tuple[bytes, Any]:
    """The body and its JSON, strictly read; Problem `bad-request` says why it is none."""
    require_type(request, accepted)
    body = await read_body(request)
    try:
        if len(body) <= MAX_LOOP_BYTES:
            return body, read_json(body, MAX_VALUES)
        async with request.app.state.parsing.slot():
            return body, await anyio.to_thread.run_sync(read_json, body, MAX_VALUES)
    except ValueError as error:
        raise refuse(Fault("body", "body", str(error)), code="bad-request") from None
