"""The cells of a table: lists in a form for people or as JSON, and the formula guard."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.schemas import (
    SLUG,
    OwnValue,
    format_own_value,
    parse_own_value,
    read_json,
)
from app.suggestions import nearest

# Characters that may begin a formula in a spreadsheet, also after a line break and in full width.
SOURCE_PREFIX = "source_"  # of the columns about the source of a row
FORMULA_CHARACTERS = "=+\\-@\t\r\n＝＋－＠"
FORMULA_START = re.compile(rf"'*[{FORMULA_CHARACTERS}]")
GUARDED_START = re.compile(rf"'+[{FORMULA_CHARACTERS}]")

PARENTHESIS = re.compile(r"(?P<name>.*\S)\s*[(（](?P<inner>[^()（）]*)[)）]", re.DOTALL)
TEMPLATE_ROLES = frozenset(("seller", "buyer", "party"))  # of the template's example
QUANTITY_PATTERN = re.compile(
    r"(?P<measure>[^:]*[^:\s])\s*:\s*(?:(?P<qualifier>[a-z]+(?:[- ][a-z]+)?)\s+)?"
    r"(?P<value>-?[0-9]+(?:\.[0-9]+)?)(?:\s+to\s+(?P<max_value>-?[0-9]+(?:\.[0-9]+)?))?"
    r"(?:\s+(?P<unit>[^\s(](?:[^(]*[^\s(])?))?(?:\s+\((?P<text>.*)\))?",
    re.DOTALL,
)
WRITTEN_QUALIFIERS = ("about", "at-least", "at-most")  # the others show in the numbers


class CellError(ValueError):
    """Why a cell cannot be read, and a value that can."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def write_own_value(value: OwnValue | None) -> str:
    """Return the cell of an own field, "" for None; `read_own_cell` reads it back exactly.

    A text that would be read as something else is written in quotes, as in JSON.
    """
    if value is None:
        return ""
    cell = format_own_value(value)
    same = not isinstance(value, str) or (value == cell.strip() and _parse_own_cell(cell) == value)
    return cell if same else json.dumps(value, ensure_ascii=False)


def read_own_cell(cell: str) -> OwnValue:
    """Return the value of the cell of an own field: a number, a boolean, or a text.

    In quotes, as in JSON, it is a text whatever it looks like.
    """
    return _parse_own_cell(cell.strip())


def _parse_own_cell(cell: str) -> OwnValue:
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        with suppress(ValueError):
            text = read_json(cell.encode())
            if isinstance(text, str):
                return text
    return parse_own_value(cell)


# -- the formula guard ----------------------------------------------------------------------------


def guard(cell: str, *, lossless: bool) -> str:
    """Return `cell`, with an apostrophe in front if a spreadsheet might take it for a formula.

    In a lossless file only if `unguard` would otherwise remove an apostrophe of the text itself.
    """
    return f"'{cell}" if (GUARDED_START if lossless else FORMULA_START).match(cell) else cell


def is_number(cell: str) -> bool:
    """Return whether a cell is a plain number, which no spreadsheet runs."""
    return re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?(?:e[-+][0-9]+)?", cell) is not None


def unguard(cell: str) -> str:
    """Return `cell` without the guard: the inverse of `guard`, lossless or not."""
    return cell[1:] if GUARDED_START.match(cell) else cell


# -- lists ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ListCell:
    """How a list is written in a cell: entries for people with `;` between them, or JSON.

    `format_entry` writes an entry for people and `read_entry` reads it back; `to_written` is the
    part of an entry that must come back. If an entry is not `is_clear`, it might be read
    differently in another file, and the cell becomes JSON.
    """

    format_entry: Callable[[Any], str]
    read_entry: Callable[[str], Any]
    to_written: Callable[[Any], Any]
    is_clear: Callable[[Any], bool] = lambda entry: True

    def write(self, entries: list[Any], *, lossless: bool) -> str:
        """Return the cell: JSON if it must be lossless, or if the form for people is ambiguous."""
        if not lossless:
            cell = "; ".join(map(self.format_entry, entries))
            if self._says(cell, entries):
                return cell
        return encode_list(entries) if entries else ""

    def _says(self, cell: str, entries: list[Any]) -> bool:
        try:
            same = self.read(cell) == list(map(self.to_written, entries))
            return same and all(map(self.is_clear, entries))
        except CellError:
            return False

    def read(self, cell: str) -> list[Any]:
        """Return the list of a cell. Raise CellError if it cannot be read."""
        text = cell.strip()
        if is_json(text):
            return decode_list(text)
        entries = split_list(text)
        return [self._read_entry(entries, number) for number in range(len(entries))]

    def _read_entry(self, entries: list[str], number: int) -> Any:
        """Return an entry. Raise CellError, whose suggestion is the whole cell, if it is none."""
        try:
            return self.read_entry(entries[number])
        except CellError as error:
            if error.suggestion is None:
                raise
            mended = [*entries[:number], error.suggestion, *entries[number + 1 :]]
            raise CellError(str(error), "; ".join(mended)) from None


def split_list(cell: str) -> list[str]:
    """Return the entries of a list for people."""
    return [part for entry in cell.split(";") if (part := entry.strip())]


def mend_list(column: str, entries: list[str], path: Sequence[str], suggestion: str) -> str:
    """Return a cell for people with a suggestion in place of the wrong part at `path`."""
    number = int(path[0])
    entry = suggestion
    if column == "related" and len(path) > 1:
        relation, event = entries[number].split()
        entry = f"{suggestion} {event}" if path[1] == "relation" else f"{relation} {suggestion}"
    return "; ".join((*entries[:number], entry, *entries[number + 1 :]))


def is_json(cell: str) -> bool:
    """Return whether a list cell holds JSON."""
    return cell.lstrip().startswith(("[", "{"))


def encode_list(entries: list[Any]) -> str:
    """Return a list as JSON, for a cell."""
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":"))


def decode_list(cell: str) -> list[Any]:
    """Return the list of a cell that holds JSON. Raise CellError if it holds none."""
    try:
        entries = read_json(cell.encode())
    except ValueError as error:
        raise CellError(str(error)) from None
    if not isinstance(entries, list):
        raise CellError("is not a JSON array: write [ and ] around it")
    return entries


def read_media_cell(cell: str) -> list[Any]:
    """Return the media of a cell: JSON, or addresses with spaces between. Raise CellError."""
    return decode_list(cell) if is_json(cell) else [{"url": url} for url in cell.split()]


def _format_actor(actor: Mapping[str, Any]) -> str:
    return f"{actor['name']} ({actor['role']})" if actor["role"] else str(actor["name"])


def read_parenthesis(text: str) -> tuple[str, str] | None:
    """Return the name and the word in parentheses behind it; None if the text ends otherwise."""
    match = PARENTHESIS.fullmatch(text)
    return None if match is None else (match["name"], match["inner"].strip())


def explain_two_roles(name: str, first: str, second: str) -> tuple[str, str]:
    """Return the fault of an actor with two roles, and the cell that would be right."""
    once_each = f"{name} ({first}); {name} ({second})"
    return f"'{name[:100]}' has two roles; write the actor once for each", once_each


def may_be_role(word: str) -> bool:
    """Return whether a word in parentheses has the form of a role; `2008-2014` has not."""
    return bool(re.fullmatch(SLUG, word)) and not word.replace("-", "").isdecimal()


def _read_actor(part: str) -> dict[str, Any]:
    parenthesis = read_parenthesis(part)
    if parenthesis is None:
        return {"name": part}
    name, role = parenthesis
    if not role:
        raise CellError(f"'{part[:100]}' has empty parentheses; write the role in them", name)
    if not may_be_role(role):
        return {"name": part}
    first = read_parenthesis(name)
    if role in TEMPLATE_ROLES and first is not None and first[1] in TEMPLATE_ROLES:
        raise CellError(*explain_two_roles(*first, role))
    return {"name": name, "role": role}


def _format_quantity(quantity: Mapping[str, Any]) -> str:
    upto = f"to {quantity['max_value']}" if quantity["max_value"] is not None else None
    qualifier = quantity["qualifier"] if quantity["qualifier"] in WRITTEN_QUALIFIERS else None
    text = f"({quantity['text']})" if quantity["text"] else None
    parts = (qualifier, quantity["value"], upto, quantity["unit"], text)
    return f"{quantity['measure']}: {' '.join(filter(None, parts))}"


def _read_quantity(part: str) -> dict[str, Any]:
    match = QUANTITY_PATTERN.fullmatch(part)
    if match is None:
        raise CellError(
            f"'{part[:100]}' is not a quantity; write `measure: value unit`, the number without"
            " separators, such as `gas volume: at-least 400000000 m3 (over 400 mcm)` or"
            " `length: 3 to 4.5 km`"
        )
    members = {name: text for name, text in match.groupdict().items() if text is not None}
    qualifier = members.get("qualifier", "").replace(" ", "-")
    if qualifier and qualifier not in WRITTEN_QUALIFIERS:
        near, allowed = nearest(qualifier, WRITTEN_QUALIFIERS), ", ".join(WRITTEN_QUALIFIERS)
        raise CellError(
            f"'{qualifier}' is not a qualifier; allowed: {allowed}, or `3 to 4`",
            near and part.replace(match["qualifier"], near, 1),
        )
    return {
        **members,
        "qualifier": qualifier or ("between" if "max_value" in members else "exactly"),
    }


def _read_link(part: str) -> dict[str, str]:
    words = part.split()
    if len(words) != 2:
        raise CellError(
            f"'{part[:100]}' is not a link; write the relation and the id of the other event, such"
            " as `implements serbia-azerbaijan-gas-contract`"
        )
    return {"relation": words[0], "event": words[1]}


def _without_nulls(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value is not None}


_TEXTS = ListCell(str, str, str)
LISTS: Mapping[str, ListCell] = {
    "actors": ListCell(
        _format_actor,
        _read_actor,
        lambda actor: _without_nulls({"name": actor["name"], "role": actor["role"]}),
        lambda actor: read_parenthesis(actor["name"]) is None,
    ),
    "places": ListCell(
        lambda place: str(place["name"]),
        lambda part: {"name": part},
        lambda place: {"name": place["name"]},
    ),
    "quantities": ListCell(_format_quantity, _read_quantity, _without_nulls),
    "tags": _TEXTS,
    "related": ListCell(
        lambda link: f"{link['relation']} {link['event']}", _read_link, lambda link: link
    ),
    "source_claims": _TEXTS,
}
