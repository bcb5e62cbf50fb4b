"""Recognise the format of a file by how it begins."""

import re
from codecs import BOM_UTF8
from typing import Final

SNIFFED_BYTES: Final = 64 * 1024
# By reader, a pattern of the beginning without a byte order mark; the first one that fits.
BEGINNINGS: Final = (
    ("xlsx", rb"PK\x03\x04"),
    ("ics", rb"(?i)\s*BEGIN:VCALENDAR"),
    ("bib", rb"(?:\s*(?:%[^\n]*)?\n)*+\s*@[A-Za-z]+\s*[{(]"),
    ("ris", rb"\s*TY {1,2}- "),
    ("json", rb"\s*\["),
    ("json", rb'\s*\{(?s:.*)(?<!\\)"(?:events|items|timeline)"\s*:\s*[\[{]'),
    ("json", rb"\s*\{\s*[\r\n]"),
    ("json", rb"\s*[A-Za-z_$][\w$.]*\s*[=(]\s*[\[{]"),
    ("ndjson", rb"\s*\{"),
)


def sniff_format(head: bytes) -> str | None:
    """Return the name of the reader for a file that begins with `head`; None if it may be text."""
    head = head[:SNIFFED_BYTES].removeprefix(BOM_UTF8)
    return next((name for name, pattern in BEGINNINGS if re.match(pattern, head)), None)
