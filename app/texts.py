"""What any text has to be, and moments as text; without the libraries of documents."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints

NOT_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # Cc and Cs but \n and \t

# No space, nothing that Unicode lets be ignored (Default_Ignorable_Code_Point), no empty Braille.
SEEN = re.compile(
    r"[^\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def format_timestamp(moment: datetime) -> str:
    """Return a UTC moment in its stored form: RFC 3339 with microseconds, which sorts as text."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def check_printable(value: str) -> str:
    """Return `value`. Raise ValueError if nothing of it is seen, or if it holds what is no text."""
    if not value.isprintable() and (odd := NOT_TEXT.search(value)):
        raise ValueError(f"holds the character U+{ord(odd[0]):04X}, which is not text")
    if not SEEN.search(value):
        raise ValueError("is blank; leave it out if it is not known")
    return value


def normalize_breaks(value: Any) -> Any:
    r"""Return a text with `\n` for every line break, as CSV is read too; else the value."""
    if isinstance(value, str) and "\r" in value:
        return value.replace("\r\n", "\n").replace("\r", "\n")
    return value


Printable = AfterValidator(check_printable)
Breaks = BeforeValidator(normalize_breaks)
OneLine = Annotated[str, StringConstraints(max_length=500), Breaks, Printable]
