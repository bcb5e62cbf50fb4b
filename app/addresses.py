"""Addresses of the web: what platforms add to them, and how one page's may be spelt."""

from itertools import product
from urllib.parse import unquote_plus, urlsplit

TRACKING_PREFIXES = ("utm_", "mc_", "pk_", "mtm_", "matomo_", "hsa_")
TRACKING_NAMES = frozenset(
    (
        *("fbclid", "gclid", "gbraid", "wbraid", "dclid", "msclkid", "yclid", "twclid", "ttclid"),
        *("igshid", "igsh", "li_fat_id", "_ga", "_gl", "_hsenc", "_hsmi", "vero_id", "s_cid"),
        "ref",
    )
)


def is_tracking(name: str) -> bool:
    """Return whether a parameter is for tracking: mailings and platforms add such to links."""
    return name in TRACKING_NAMES or name.startswith(TRACKING_PREFIXES)


def clean_query(query: str) -> str:
    """Return a query string without tracking parameters; keep the rest as it is."""
    parts = query.split("&")
    return "&".join(p for p in parts if not is_tracking(unquote_plus(p.partition("=")[0])))


def list_spellings(address: str) -> list[str]:
    """Return other addresses that likely lead to the same page, in no order that means anything.

    They have http or https, `www.` or not, a slash at the end or not, the host in small letters,
    and no tracking parameters. A fragment is left out unless it is a route of a script (`#!/`,
    `#/`).
    """
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets that hold no address
        return []
    host, path = parts.netloc.lower(), parts.path.rstrip("/")
    bare = host.removeprefix("www.")
    route = f"#{parts.fragment}" if parts.fragment.startswith(("!", "/")) else ""
    query = clean_query(parts.query)
    rest = (f"?{query}" if query else "") + route
    spellings = {
        f"{scheme}://{name}{path}{slash}{rest}"
        for scheme, name, slash in product(("http", "https"), (bare, f"www.{bare}"), ("", "/"))
    }
    return sorted(spellings - {address})
