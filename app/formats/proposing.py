"""Propose a mapping for a table from its headers and the first of its cells.

Nothing is settled by likelihood: a cell that may mean two things is a question, and the mapping is
used only if its user sends it back.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from app.errors import Fault
from app.formats.cells import is_json
from app.formats.mapping import LIST_FIELDS, SOURCE_LIST_FIELDS, ColumnMapping, Target, normalize
from app.formats.synonyms import HEADER_SYNONYMS, MEASURES, ROLE_WORDS, TIMELINE_SHEET
from app.formats.written_dates import (
    DATE_FORMS,
    DATE_ORDERS,
    PRECISION_WORDS,
    find_forms,
    find_orders,
    is_plain,
)
from app.schemas import SLUG, name_own_field
from app.words import fold, make_slug

SAMPLE_ROWS: Final = 1000
CODES: Final = {"1": "day", "2": "week", "3": "month"}  # as data sets of conflicts use them
MARKUP: Final = re.compile(r"</?[a-z][^<>]*>|&[a-z]+;|&#\d+;", re.I)
ADDRESS: Final = re.compile(r"https?://\S+", re.I)
Cells = list[tuple[int, str]]  # with their lines, without empty ones


@dataclass
class Proposal:
    """A mapping, and the questions that only its user can answer."""

    mapping: ColumnMapping
    questions: list[Fault] = field(default_factory=list)


def propose(
    columns: Sequence[str],
    rows: Sequence[tuple[int, list[str]]],
    line: int,
    defaults: Collection[str],
) -> Proposal:
    """Return the mapping that headers and values suggest, with its questions.

    `line` is that of the header. `defaults` are the fields for which the import gives a value.
    """
    cells: dict[str, Cells] = {column: [] for column in columns}
    for number, row in rows:
        for column, cell in zip(columns, row, strict=False):
            if cell.strip():
                cells[column].append((number, cell.strip()))
    proposer = _Proposer(columns, cells, line, defaults)
    return Proposal(proposer.build(), proposer.questions)


class _Proposer:
    def __init__(
        self,
        columns: Sequence[str],
        cells: dict[str, Cells],
        line: int,
        defaults: Collection[str],
    ) -> None:
        self.columns = columns
        self.cells = cells
        self.line = line
        self.defaults = defaults
        self.questions: list[Fault] = []
        self.targets: dict[str, tuple[Target, ...]] = dict.fromkeys(columns, ())

    def build(self) -> ColumnMapping:
        """Return the mapping; `questions` are filled on the way."""
        self._match_headers()
        self._match_roles_and_measures()
        self._drop_duplicates()
        self._read_values()
        order, forms = self._choose_dates()
        precision = self._choose_precision()
        constants = self._ask_for_missing()
        self._ask_for_ignored()
        return ColumnMapping(self.targets, constants, order, forms, precision)

    def _ask(self, column: str, message: str, line: int | None = None) -> None:
        line = self.line if line is None else line
        self.questions.append(Fault("body", column[:200], message, line=line))

    def _fields(self) -> dict[str, str]:
        """Return the first column of each field."""
        owners: dict[str, str] = {}
        for column, targets in self.targets.items():
            for target in targets:
                owners.setdefault(target.field, column)
        return owners

    # -- columns ----------------------------------------------------------------------------------

    def _match_headers(self) -> None:
        names = {column: normalize(column) for column in self.columns}
        parts = "year" in {name.removeprefix("start_") for name in names.values()}
        for column in self.columns:
            if name_own_field(column.casefold()):
                self.targets[column] = (Target(column.casefold()),)
        for target, synonyms in HEADER_SYNONYMS.items():
            rank = {name: n for n, name in enumerate(synonyms)}
            fitting = [c for c, name in names.items() if name in rank and not self.targets[c]]
            fitting.sort(key=lambda column: rank[names[column]])
            if target == "date" and parts:
                fitting = [c for c in fitting if names[c] not in ("day", "jour")]
            if target == "id":
                fitting = [c for c in fitting if self._are_ids(c)]
            chosen = fitting if target in LIST_FIELDS else fitting[:1]
            if target == "source_publisher" and chosen and self._are_addresses(chosen[0]):
                target = "source_url"
            for column in chosen:
                self.targets[column] = (Target(target),)
        if len(TIMELINE_SHEET & set(names.values())) >= 3:
            for column, name in names.items():
                if name == "type":  # of a slide: `title` or `era`
                    self.targets[column] = (Target("skip"),)

    def _are_ids(self, column: str) -> bool:
        values = [cell for _, cell in self.cells[column]]
        return len(set(values)) == len(values) and all(re.fullmatch(SLUG, v) for v in values)

    def _are_addresses(self, column: str) -> bool:
        cells = self.cells[column]
        return bool(cells) and all(ADDRESS.match(cell) for _, cell in cells)

    def _match_roles_and_measures(self) -> None:
        for column in self.columns:
            name = normalize(column)
            if self.targets[column] or not self.cells[column]:
                continue
            if name in MEASURES:
                if all(re.fullmatch(r"\d+(?:\.\d+)?", cell) for _, cell in self.cells[column]):
                    self.targets[column] = (Target("quantities", name.replace("_", " ")),)
            elif ROLE_WORDS & set(name.split("_")):
                self.targets[column] = (Target("actors", name.replace("_", "-")),)

    def _drop_duplicates(self) -> None:
        """Prefer a whole date to its parts; a place's details need a place."""
        owners = self._fields()
        for end in ("date", "date.end"):
            if end in owners:
                for part in ("year", "month", "day"):
                    self._leave_out(owners.get(f"{end}.{part}"))
            elif f"{end}.year" not in owners:
                for part in ("month", "day", "time"):
                    self._leave_out(owners.get(f"{end}.{part}"))
        if "places" not in owners:
            for part in ("country", "latitude", "longitude"):
                self._leave_out(owners.get(f"place.{part}"))

    def _leave_out(self, column: str | None) -> None:
        if column is not None:
            self.targets[column] = ()

    # -- values -----------------------------------------------------------------------------------

    def _read_values(self) -> None:
        for column, targets in self.targets.items():
            if not targets:
                continue
            target = targets[0]
            if target.field in ("title", "summary") and any(
                MARKUP.search(cell) for _, cell in self.cells[column]
            ):
                target = replace(target, html=True)
            if target.field in SOURCE_LIST_FIELDS and self._first(column, ";"):
                target = replace(target, separator=";")
                self._ask_separator(column, "several sources", '"separator": ";"', "none")
            elif target.field in ("actors", "places", "tags"):
                lists = any(is_json(cell) for _, cell in self.cells[column])
                if not lists and self._first(column, ",") and not self._first(column, ";"):
                    self._ask_separator(column, "a list", '"separator": ","', "none")
            self.targets[column] = (target,)

    def _first(self, column: str, letter: str) -> tuple[int, str] | None:
        return next(((n, cell) for n, cell in self.cells[column] if letter in cell), None)

    def _ask_separator(self, column: str, kind: str, option: str, other: str) -> None:
        letter = option[-2]
        number, cell = self._first(column, letter) or (self.line, "")
        message = (
            f"'{cell[:100]}' may be {kind} or one name; give the column {option}"
            f' or "separator": "{other}"'
        )
        self._ask(column, message, number)

    def _choose_dates(self) -> tuple[str | None, tuple[str, ...]]:
        """Return order and forms of the dates; ask about each that may mean another date."""
        columns = [
            c for c, ts in self.targets.items() if ts and ts[0].field in ("date", "date.end")
        ]
        orders, forms, numbers = set(DATE_ORDERS), [], False
        doubts: set[str] = set()
        for column in columns:
            for line, cell in self.cells[column]:
                if is_plain(cell):
                    continue
                if possible := find_orders(cell):
                    numbers = True
                    orders &= possible
                    if len(possible) > 1 and "order" not in doubts:
                        doubts.add("order")
                        self._ask(column, self._doubt_order(cell), line)
                for name in find_forms(cell):
                    if not DATE_FORMS[name].doubtful:
                        forms.append(name)
                    elif name not in doubts:
                        doubts.add(name)
                        message = f"'{cell[:60]}': if {DATE_FORMS[name].meaning}, add \"{name}\" to"
                        self._ask(column, f'{message} "date.forms"', line)
        order = next(iter(orders)) if numbers and len(orders) == 1 else None
        if numbers and not orders:
            message = "has days in both orders; give each row's date as year-month-day"
            self._ask(columns[0], message)
        return order, tuple(name for name in DATE_FORMS if name in forms)

    def _doubt_order(self, cell: str) -> str:
        return (
            f'\'{cell[:60]}\' may be day or month first; give "date.order": "dmy" or "mdy", or'
            " send this mapping back if its order is right"
        )

    def _choose_precision(self) -> dict[str, str]:
        column = self._fields().get("date.precision")
        if column is None:
            return {}
        values = sorted({cell for _, cell in self.cells[column]})
        unknown = [v for v in values if fold(v) not in PRECISION_WORDS]
        if not unknown:
            return {}
        precision = dict(CODES) if set(unknown) & set(CODES) else {}
        others = [value for value in unknown if value not in CODES]
        if others:
            message = f"'{others[0][:60]}' is not a precision; give \"date.precision\" for it"
        else:
            message = f"has codes, read as {precision}; send the mapping back if that is right"
        self._ask(column, message)
        return precision

    # -- whole rows -------------------------------------------------------------------------------

    def _ask_for_missing(self) -> dict[str, str | None]:
        fields = set(self._fields()) | set(self.defaults)
        constants: dict[str, str | None] = {}
        if not fields & {"date", "date.year"}:
            self._ask("date", 'no column is the date; map one to "date" or "date.year"')
        for name in ("title", "type"):
            if name not in fields:
                constants[name] = None
                self._ask(
                    name,
                    f'is missing; map a column to "{name}", or give one for all rows in'
                    f' "constants", where {{Column}} stands for a cell',
                )
        sources = {
            "source_id",
            "source_published",
            "source_accessed",
            "more_sources",
            *SOURCE_LIST_FIELDS,
        }
        if not fields & sources:
            constants["source_title"] = None
            self._ask(
                "source_title",
                'is missing; map a column to a "source_…" field, or give one in "constants"',
            )
        return constants

    def _ask_for_ignored(self) -> None:
        for column, targets in self.targets.items():
            if not targets and self.cells[column]:
                message = (
                    "is left out; map it to a field, or to one of your own such as"
                    f' "extra.{make_slug(column[:200])}", or send the mapping back to agree'
                )
                self._ask(column, message)
