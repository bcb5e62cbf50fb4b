"""Rows of a table to events, by a mapping; faults name the user's own columns."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.errors import Fault
from app.formats.cells import (
    LISTS as LIST_CELLS,
)
from app.formats.cells import (
    SOURCE_PREFIX,
    CellError,
    decode_list,
    is_json,
    read_media_cell,
    read_own_cell,
    read_parenthesis,
    unguard,
)
from app.formats.lines import Line, unreadable_line
from app.formats.mapping import LIST_FIELDS, PLACEHOLDER, ColumnMapping, Target
from app.formats.markup import read_html
from app.formats.sheets import Sheet
from app.formats.written_dates import (
    PRECISION_WORDS,
    WrittenDate,
    add_time,
    join_parts,
    read_date,
    widen,
)
from app.json_types import Json
from app.schemas import find_country_code, name_own_field
from app.words import fold

SKIPPED: Final = "rows with a text in '{}' are left out"


def read_mapped(sheet: Sheet, mapping: ColumnMapping) -> Iterator[Line]:
    """Yield the events of a table; a row that cannot be read is a line with its faults."""
    reader = _RowReader(sheet, mapping)
    for number, row in sheet.read_rows():
        if isinstance(row, str):
            yield unreadable_line(number, "file", row)
        elif any(cell.strip() for cell in row):
            line = reader.read(number, row)
            if line is not None:
                yield line


@dataclass
class _Event:
    """The members of an event as its row is read, and the column that each came from."""

    document: Json = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)  # by path in the document
    parts: dict[str, str] = field(default_factory=dict)  # of the date and the place
    sources: dict[str, list[str]] = field(default_factory=dict)  # by field
    raw_actors: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    words: list[str] = field(default_factory=list)  # of the date's text
    notes: list[str] = field(default_factory=list)


class _RowReader:
    def __init__(self, sheet: Sheet, mapping: ColumnMapping) -> None:
        self.sheet = sheet
        self.mapping = mapping
        self.columns = sheet.columns
        self.fills = {column: column for column in sheet.columns}
        actors = [t for ts in mapping.columns.values() for t in ts if t.field == "actors"]
        self.decides_roles = any(target.parentheses is None for target in actors)

    def read(self, number: int, row: Sequence[str]) -> Line | None:
        """Return the line of a row; None if the mapping skips it."""
        if any(re.search("[\ud800-\udfff]", cell) for cell in row):
            return unreadable_line(number, "file", "is not UTF-8 in this line; save it as UTF-8")
        if any(cell.strip() for cell in row[len(self.columns) :]):
            message = (
                f"has {len(row)} cells in this line and {len(self.columns)} columns; a cell that"
                ' holds the delimiter stands in "quotes"'
            )
            return unreadable_line(number, "file", message)
        cells = dict(zip(self.columns, self._unguarded(row), strict=False))
        event = _Event()
        for column, targets in self.mapping.columns.items():
            cell = cells.get(column, "")
            if not cell.strip():
                continue
            for target in targets:
                if target.field == "skip":
                    return Line(number, {}, notes=(SKIPPED.format(column[:100]),), skipped=True)
                self._take(event, column, target, cell)
        for name, value in self.mapping.constants.items():
            if value:
                text = PLACEHOLDER.sub(lambda m: cells.get(m[1], "").strip(), value).strip()
                if text:
                    self._take(event, f"constants.{name}", Target(name), text)
        self._finish(event)
        if event.faults:
            return Line(number, {}, tuple(replace(f, line=number) for f in event.faults))
        return self._line(number, event)

    def _unguarded(self, row: Sequence[str]) -> Iterable[str]:
        return map(unguard, row) if self.sheet.guarded else row

    def _take(self, event: _Event, column: str, target: Target, cell: str) -> None:
        try:
            self._read_cell(event, column, target, _normalize_breaks(cell))
        except CellError as error:
            event.faults.append(Fault("body", column[:200], str(error), error.suggestion))

    def _read_cell(self, event: _Event, column: str, target: Target, cell: str) -> None:
        name = target.field
        if target.html:
            plain = read_html(cell)
            if plain.links:
                event.notes.append("links in the text are left out: their words stay")
            cell = plain.text
            if name == "title":
                cell = " ".join(cell.split())
            if not cell:
                return
        if name.startswith(("date.", "place.")) or name == "date":
            event.parts[name] = cell.strip()
            event.origins[name] = column
        elif name == "date_text":
            event.words.append(cell)
            event.origins[name] = column
        elif name in LIST_CELLS and name != "source_claims":
            self._read_list(event, column, target, cell.strip())
        elif name == "more_sources":
            event.sources[name] = [cell]
            event.origins[name] = column
        elif name.startswith(SOURCE_PREFIX):
            event.sources[name] = _split(cell, target.separator)
            event.origins[name] = column
        elif name == "version":
            event.document[name] = _read_version(cell.strip())
            event.origins[name] = column
        elif name == "media":
            event.document.setdefault("media", []).extend(read_media_cell(cell.strip()))
            event.origins.setdefault(name, column)
        elif own_field := name_own_field(name):
            event.document.setdefault("extra", {})[own_field] = read_own_cell(cell)
            event.origins[name] = column
        elif name in event.document:
            raise CellError(f"the {name} is given twice")
        else:
            event.document[name] = cell if name in ("title", "summary") else cell.strip()
            event.origins[name] = column

    # -- lists ------------------------------------------------------------------------------------

    def _read_list(self, event: _Event, column: str, target: Target, cell: str) -> None:
        name = target.field
        entries = event.document.setdefault(name, [])
        first = len(entries)
        if is_json(cell):
            values = decode_list(cell)
            entries += [_of_json(name, value, target) for value in values]
            event.raw_actors += [""] * (len(values) if name == "actors" else 0)
        elif name == "quantities" and target.detail:
            measure, _, unit = target.detail.partition(",")
            value = cell.replace("\u00a0", "")
            if not re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", value):
                raise CellError(f"'{cell[:60]}' is not a number without separators, such as 1200.5")
            entry = {"measure": measure.strip(), "value": value, "qualifier": "exactly"}
            entries.append({**entry, **({"unit": unit.strip()} if unit.strip() else {})})
        elif name in ("quantities", "related"):
            entries += LIST_CELLS[name].read(cell)
        else:
            for text in _split(cell, target.separator or ";"):
                self._read_entry(event, entries, target, text)
        for position in range(first, len(entries)):
            event.origins[f"{name}.{position}"] = column
        event.origins.setdefault(name, column)

    def _read_entry(self, event: _Event, entries: list[Any], target: Target, text: str) -> None:
        if target.field == "tags":
            entries.append(text)
            return
        entry: Json = {"name": text}
        raw = ""
        if target.field == "actors":
            parenthesis = read_parenthesis(text) if target.parentheses == "role" else None
            if target.detail:
                entry["role"] = target.detail
            if parenthesis is not None:
                entry = {"name": parenthesis[0], "role": parenthesis[1]}
            elif target.parentheses is None and not target.detail:
                raw = text
            event.raw_actors.append(raw)
        entries.append(entry)

    # -- the whole row ----------------------------------------------------------------------------

    def _finish(self, event: _Event) -> None:
        for build in (self._build_date, self._build_place, self._build_sources):
            build(event)

    def _fail(self, event: _Event, name: str, error: CellError) -> None:
        column = event.origins.get(name, name)
        event.faults.append(Fault("body", column[:200], str(error), error.suggestion))

    def _build_date(self, event: _Event) -> None:
        ends = {end: self._read_end(event, end) for end in ("date", "date.end")}
        start, end = ends["date"], ends["date.end"]
        if any(f.name in map(event.origins.get, event.parts) for f in event.faults):
            return
        if start is None:
            if end is not None:
                self._fail(event, "date.end", CellError("has an end and no start"))
            return
        stated = [start] if end is None else [start, end._replace(edtf=end.edtf or start.edtf)]
        days = [self._apply_precision(event, start.edtf), *(w.edtf for w in stated[1:])]
        timed = [add_time(w._replace(edtf=day)) for w, day in zip(stated, days, strict=True)]
        if stated[-1].time == "" and stated[-1].edtf == start.edtf:
            del days[1:], timed[1:]  # an end on the same day says no more
        written = (edtf or day for edtf, day in zip(timed, days, strict=True))
        date: Json = {"edtf": "/".join(dict.fromkeys(written))}
        if event.words:
            date["text"] = " ".join(event.words[0].split())
        elif any(w.time and not edtf for w, edtf in zip(stated, timed, strict=False)):
            date["text"] = " to ".join(f"{w.edtf} {w.time}".rstrip() for w in stated)
        event.document["date"] = date
        event.origins.setdefault("date", event.origins.get("date.year", "date"))

    def _read_end(self, event: _Event, end: str) -> WrittenDate | None:
        parts = [event.parts.get(f"{end}.{part}", "") for part in ("year", "month", "day")]
        whole, time = event.parts.get(end, ""), event.parts.get(f"{end}.time", "")
        try:
            if whole:
                written = read_date(whole, self.mapping.order, self.mapping.forms)
            elif any(parts) or (time and end == "date"):
                written = WrittenDate(join_parts(*parts))
            elif time:
                written = WrittenDate("")  # on the day of the start
            else:
                return None
        except CellError as error:
            name = end if whole else f"{end}.{str(error).partition(' ')[0]}"
            self._fail(event, name if name in event.origins else f"{end}.year", error)
            return None
        return WrittenDate(written.edtf, written.time or time)

    def _apply_precision(self, event: _Event, edtf: str) -> str:
        code = event.parts.get("date.precision", "")
        if not code:
            return edtf
        precision = self.mapping.precision.get(code) or PRECISION_WORDS.get(fold(code))
        if precision is None:
            names = ", ".join(sorted(set(PRECISION_WORDS.values())))
            message = f"'{code[:60]}' is not a precision: {names}, or a code in \"date.precision\""
            self._fail(event, "date.precision", CellError(message))
            return edtf
        return widen(edtf, precision)

    def _build_place(self, event: _Event) -> None:
        parts = {n: v for n, v in event.parts.items() if n.startswith("place.")}
        places = event.document.get("places", [])
        if not parts or not places:
            if parts:
                event.notes.append("a country or position without a place was left out")
            return
        if len(places) > 1:
            column = event.origins["places"]
            message = f"has {len(places)} places, and one country or position; give one place a row"
            event.faults.append(Fault("body", column[:200], message))
            return
        if not isinstance(places[0], dict):
            return
        for name, text in parts.items():
            member = name.removeprefix("place.")
            try:
                places[0][member] = _read_country(text) if member == "country" else _degrees(text)
            except CellError as error:
                self._fail(event, name, error)
            event.origins[f"places.0.{member}"] = event.origins[name]

    def _build_sources(self, event: _Event) -> None:
        fields = dict(event.sources)
        more = fields.pop("more_sources", None)
        sources: list[Any] = []
        try:
            if fields:
                sources = self._combine(event, fields)
            if more is not None:
                sources += decode_list(more[0].strip())
        except CellError as error:
            self._fail(event, "more_sources" if more is not None else "", error)
            return
        if sources:
            event.document["sources"] = sources

    def _combine(self, event: _Event, fields: Mapping[str, list[str]]) -> list[Json]:
        """Return the sources of a row: one, or as many as its longest cell names."""
        number = max(map(len, fields.values()))
        sources: list[Json] = [{} for _ in range(number)]
        for name, values in fields.items():
            member = name.removeprefix(SOURCE_PREFIX)
            column = event.origins[name]
            if len(values) not in (1, number):
                message = f"names {len(values)} sources, and another column {number}"
                event.faults.append(Fault("body", column[:200], message))
                return []
            for position in range(number):
                value: Any = values[position if len(values) > 1 else 0]
                if member == "claims":
                    value = LIST_CELLS[name].read(value)
                elif member in ("published", "accessed"):
                    value = self._read_source_date(event, column, value)
                if value and (len(values) > 1 or position == 0 or member not in ("url", "title")):
                    sources[position][member] = value
                    event.origins[f"sources.{position}.{member}"] = column
        for position, source in enumerate(sources):
            first = next((f"sources.{position}.{m}" for m in source), "")
            event.origins[f"sources.{position}"] = event.origins.get(first, "")
        event.origins.setdefault("sources", event.origins[next(iter(fields))])
        return [source for source in sources if source]

    def _read_source_date(self, event: _Event, column: str, text: str) -> str:
        try:
            return read_date(text.strip(), self.mapping.order, self.mapping.forms).edtf
        except CellError as error:
            event.faults.append(Fault("body", column[:200], str(error), error.suggestion))
            return ""

    def _line(self, number: int, event: _Event) -> Line:
        origins = event.origins

        def locate(fault: Fault) -> Fault:
            path = fault.name.split(".")
            for length in range(len(path), 0, -1):
                column = origins.get(".".join(path[:length]))
                if column:
                    suggestion = None if path[0] in LIST_FIELDS else fault.suggestion
                    return replace(fault, name=column[:200], suggestion=suggestion)
            return fault

        decided = self.decides_roles and any(event.raw_actors)
        if not decided:
            return Line(number, event.document, notes=tuple(event.notes), locate=locate)
        actors = tuple(event.raw_actors)
        return Line(number, event.document, actors=actors, locate=locate)


def _normalize_breaks(cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("\r", "\n")


def _split(cell: str, separator: str | None) -> list[str]:
    if separator in (None, "none"):
        return [cell.strip()]
    return [part for entry in cell.split(separator) if (part := entry.strip())]


def _of_json(name: str, value: Any, target: Target) -> Any:
    if name == "tags" or not isinstance(value, str | int):
        return value
    entry: Json = {"name": str(value)}
    return {**entry, "role": target.detail} if target.detail and name == "actors" else entry


def _read_version(cell: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", cell) or int(cell) == 0:
        raise CellError("is not a version: a whole number from 1, or an empty cell")
    return int(cell)


def _read_country(text: str) -> str:
    code = text if re.fullmatch("[A-Z]{2}", text) else find_country_code(text)
    if code is None:
        raise CellError(
            f"'{text[:60]}' is not a country: give its English name or code, such as RS"
        )
    return code


def _degrees(text: str) -> float:
    if not re.fullmatch(r"-?[0-9]{1,3}(?:\.[0-9]{1,20})?", text):
        raise CellError(f"'{text[:60]}' is not a number of degrees such as 44.81")
    return float(text)
