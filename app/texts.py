"""What any text has to be, and moments as text; without the libraries of documents."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints

NOT_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # Cc and Cs but \n and \t


def format_timestamp(moment: datetime) -> str:
    """Return a UTC moment in its stored form: RFC 3339 with microseconds, which sorts as text."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def check_printable(value: str) -> str:
    """Return `value`. Raise ValueError if it is blank or holds NUL or a lone surrogate."""
    blank = not value or value.isspace()
    if not value.isprintable():
        if odd := NOT_TEXT.search(value):
            raise ValueError(f"holds the character U+{ord(odd[0]):04X}, which is not text")
        blank = not value.replace("\ufeff", "").strip()  # a space to JavaScript, none to Python
    if blank:
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
