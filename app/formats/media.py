"""Media of events in formats that have a place for them, and what an address says of its kind."""

import mimetypes
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from app.formats.citations import safe_web_link
from app.json_types import Json

UNKNOWN_TYPE: Final = "application/octet-stream"
# Sites whose pages play films or recordings, as TimelineJS knows them.
FILM_SITES: Final = re.compile(r"(.*\.)?(youtube\.com|youtu\.be|vimeo\.com|dailymotion\.com)")
SOUND_SITES: Final = re.compile(r"(.*\.)?(soundcloud\.com|spotify\.com)")
DOCUMENT_TYPES: Final = ("application/pdf", "application/msword", "application/vnd.")


def list_linked(event: Mapping[str, Any]) -> list[Json]:
    """Return the media of an event whose addresses a browser may follow."""
    return [medium for medium in event["media"] if safe_web_link(medium["url"])]


def guess_media_type(medium: Mapping[str, Any]) -> str:
    """Return the media type that the address's suffix names, else that of any file."""
    return mimetypes.guess_type(_path(medium["url"]))[0] or UNKNOWN_TYPE


def find_kind(url: str) -> str | None:
    """Return the kind of medium that an address is for certain; None if it does not show."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:  # half an IPv6 address
        return None
    if FILM_SITES.fullmatch(host):
        return "video"
    if SOUND_SITES.fullmatch(host):
        return "audio"
    main = mimetypes.guess_type(_path(url))[0] or ""
    kind = main.partition("/")[0]
    if kind in ("image", "video", "audio"):
        return kind
    return "document" if main.startswith(DOCUMENT_TYPES) else None


def describe_medium(medium: Mapping[str, Any]) -> str:
    """Return caption, kind, credit and licence of a medium in a line."""
    parts: Sequence[str | None] = [medium[name] for name in ("caption", "credit", "licence")]
    first = parts[0] or medium["alt"] or medium["url"]
    return ", ".join(" ".join(part.split()) for part in (first, *parts[1:]) if part)


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
