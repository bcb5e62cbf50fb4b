"""What a file of events says of itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """The list that a file holds."""

    title: str
    base: str
    address: str
    updated: str | None
    lossless: bool
