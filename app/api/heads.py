"""The head of a request: check its size and host, and read its Accept header."""

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv6Address

from starlette.types import Scope

from app.errors import Problem

MAX_URL_BYTES = 8192
MAX_HEADER_BYTES = 8192
HTTP_VERSIONS = ("1.0", "1.1")
# Two values of these would contradict each other, and no line may win without a word.
SINGLE_HEADERS = {
    b"authorization": "Authorization",
    b"host": "Host",
    b"idempotency-key": "Idempotency-Key",
    b"last-event-id": "Last-Event-ID",
}
# RFC 3986 section 3.2.2: a name or IPv4 address, or an IPv6 address in brackets; and a port.
HOST = re.compile(rb"(?:\[([0-9A-Fa-f:.]+)\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::\d{0,5})?")


def check_head(scope: Scope) -> Problem | None:
    """Return the problem of a head that is too large or contradicts itself, otherwise None.

    It contradicts itself if a header with one value is sent twice. It must be of HTTP/1.0 or 1.1,
    and have a valid host.
    """
    if len(scope["raw_path"] or b"") + len(scope["query_string"]) > MAX_URL_BYTES:
        return Problem("uri-too-long", f"A URL may have at most {MAX_URL_BYTES} bytes.")
    single: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if len(name) + len(value) > MAX_HEADER_BYTES:
            header = name[:100].decode("latin-1")
            detail = f"A header may have at most {MAX_HEADER_BYTES} bytes; {header} is longer."
            return Problem("headers-too-large", detail)
        if name in SINGLE_HEADERS:
            if name in single:
                detail = f"{SINGLE_HEADERS[name]} is sent twice; send it once."
                return Problem("bad-request", detail)
            single[name] = value
    if scope["http_version"] not in HTTP_VERSIONS:
        detail = f"HTTP/{scope['http_version']} is not served; send HTTP/1.1."
        return Problem("bad-request", detail)
    return _refuse_host(single.get(b"host"), required=scope["http_version"] == "1.1")


def _refuse_host(host: bytes | None, *, required: bool) -> Problem | None:
    """Return the problem of an invalid Host header (RFC 9112 section 3.2), otherwise None."""
    if host is None:
        missing = Problem("bad-request", "Host is missing; HTTP/1.1 needs it.")
        return missing if required else None
    if not is_host(host):
        return Problem("bad-request", "Host is not valid; send a name or an address, and a port.")
    return None


def combine_lines(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the value of each header; lines of one name become a list (RFC 9110 section 5.3)."""
    combined: dict[bytes, bytes] = {}
    for name, value in headers:
        combined[name] = b"%b, %b" % (combined[name], value) if name in combined else value
    return combined


def is_host(value: bytes) -> bool:
    """Return whether a value of Host is valid; it may be empty."""
    match = HOST.fullmatch(value)
    if match is None:
        return False
    try:
        return match[1] is None or bool(IPv6Address(match[1].decode()))
    except AddressValueError:
        return False


def prefers(accept: str, media_type: str, other: str) -> bool:
    """Return whether an Accept header prefers one media type to another."""
    weight, specificity = _preference(accept, media_type)
    return weight > 0 and (weight, specificity) > _preference(accept, other)


def order_by_weight(header: str, most: int) -> list[str]:
    """Return the values of an Accept-… header, preferred ones first, without those of weight 0.

    Only the first `most` of them are read.
    """
    items = [[part.strip() for part in item.split(";")] for item in header.split(",")[:most]]
    weights = [(_weight(parameters), name) for name, *parameters in items if name]
    ordered = sorted(weights, key=lambda pair: -pair[0])
    return [name for weight, name in ordered if weight > 0]


def _preference(accept: str, media_type: str) -> tuple[float, int]:
    """Return the weight of a media type and how specifically it is named (RFC 9110, 12.5.1)."""
    ranges = {"*/*": 0, media_type.partition("/")[0] + "/*": 1, media_type: 2}
    most_specific, weight = -1, 0.0
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if ranges.get(name, -1) > most_specific:
            most_specific, weight = ranges[name], _weight(parameters)
    return weight, most_specific


def _weight(parameters: list[str]) -> float:
    weights = (part.removeprefix("q=") for part in parameters if part.startswith("q="))
    try:
        return min(max(float(next(weights, "1")), 0.0), 1.0)
    except ValueError:
        return 0.0
