"""Marks of tracking, which mailings and platforms add to links to tell where a click came from."""

from urllib.parse import unquote_plus

from fastapi import Request

PREFIXES = ("utm_", "mc_", "pk_", "mtm_", "matomo_", "hsa_")
NAMES = frozenset(
    (
        *("fbclid", "gclid", "gbraid", "wbraid", "dclid", "msclkid", "yclid", "twclid", "ttclid"),
        *("igshid", "igsh", "li_fat_id", "_ga", "_gl", "_hsenc", "_hsmi", "vero_id", "s_cid"),
        "ref",
    )
)


def is_mark(name: str) -> bool:
    """Return whether a parameter is a mark of tracking; none of them is a filter."""
    return name in NAMES or name.startswith(PREFIXES)


def without_marks(request: Request) -> Request:
    """Return the request without the marks in its query, all else as it was written."""
    query: bytes = request.scope["query_string"]
    parts = query.decode("latin-1").split("&")
    rest = "&".join(p for p in parts if not is_mark(unquote_plus(p.partition("=")[0])))
    return Request({**request.scope, "query_string": rest.encode("latin-1")}, request.receive)
