"""Tracking parameters, which mailings and platforms add to links."""

from urllib.parse import unquote_plus

from fastapi import Request

TRACKING_PREFIXES = ("utm_", "mc_", "pk_", "mtm_", "matomo_", "hsa_")
TRACKING_NAMES = frozenset(
    (
        *("fbclid", "gclid", "gbraid", "wbraid", "dclid", "msclkid", "yclid", "twclid", "ttclid"),
        *("igshid", "igsh", "li_fat_id", "_ga", "_gl", "_hsenc", "_hsmi", "vero_id", "s_cid"),
        "ref",
    )
)


def is_tracking(name: str) -> bool:
    """Return whether a parameter is for tracking; no filter has such a name."""
    return name in TRACKING_NAMES or name.startswith(TRACKING_PREFIXES)


def strip_tracking(request: Request) -> Request:
    """Return the request without tracking parameters; keep the rest of the query as it is."""
    query: bytes = request.scope["query_string"]
    parts = query.decode("latin-1").split("&")
    rest = "&".join(p for p in parts if not is_tracking(unquote_plus(p.partition("=")[0])))
    return Request({**request.scope, "query_string": rest.encode("latin-1")}, request.receive)
