"""The head of a request: check its size and host, and read its Accept header."""

import re
from ipaddress import AddressValueError, IPv6Address

from starlette.types import Scope

from app.errors import Problem

MAX_URL_BYTES = 8192
MAX_HEADER_BYTES = 8192
# RFC 3986 section 3.2.2: a name or IPv4 address, or an IPv6 address in brackets; and a port.
HOST = re.compile(rb"(?:\[([0-9A-Fa-f:.]+)\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::\d{0,5})?")


def check_head(scope: Scope) -> Problem | None:
    """Return the problem of a head that is too large or has no valid host, otherwise None."""
    if len(scope["raw_path"] or b"") + len(scope["query_string"]) > MAX_URL_BYTES:
        return Problem("uri-too-long", f"A URL may have at most {MAX_URL_BYTES} bytes.")
    hosts = []
    for name, value in scope["headers"]:
        if len(name) + len(value) > MAX_HEADER_BYTES:
            header = name[:100].decode("latin-1")
            detail = f"A header may have at most {MAX_HEADER_BYTES} bytes; {header} is longer."
            return Problem("headers-too-large", detail)
        if name == b"host":
            hosts.append(value)
    return _refuse_host(hosts, required=scope["http_version"] >= "1.1")


def _refuse_host(hosts: list[bytes], *, required: bool) -> Problem | None:
    """Return the problem of invalid Host headers (RFC 9112 section 3.2), otherwise None."""
    if len(hosts) > 1:
        return Problem("bad-request", "Host is sent twice; send it once.")
    if not hosts and required:
        return Problem("bad-request", "Host is missing; HTTP/1.1 needs it.")
    if hosts and not is_host(hosts[0]):
        return Problem("bad-request", "Host is not valid; send a name or an address, and a port.")
    return None


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
