"""A mapping: which column of a table is which field of an event, and how its cells are read.

As JSON it is one object. A key is a column of the file; its value is a field, null to leave the
column out, a list of fields, or an object with the options of the column:

    {"Headline": "title", "Seller": "actors (seller)", "Notes": null, "date.order": "dmy",
     "Source": {"field": "source_publisher", "separator": ";"}, "constants": {"type": "contract"}}
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.errors import Fault
from app.formats.written_dates import DATE_FORMS, DATE_ORDERS, WIDENINGS
from app.json_types import Json
from app.schemas import is_slug, mend_own_field, name_own_field
from app.suggestions import nearest
from app.words import fold

LIST_FIELDS: Final = frozenset(("actors", "places", "tags", "related", "quantities"))
SOURCE_LIST_FIELDS: Final = frozenset(
    ("source_publisher", "source_title", "source_author", "source_url", "source_archive_url")
)  # fields of which one cell may name several
PART_FIELDS: Final[Mapping[str, str]] = {
    **{
        f"{end}.{part}": f"The {part} of the {end}"
        for end in ("date", "date.end")
        for part in ("year", "month", "day", "time")
    },
    "date.end": "The last day, beside `date` as the first",
    "date.precision": "How fine the date is: `day`, `week`, `month`, `year`, or a code",
    "place.country": "The country of the place in `places`: a name or a code",
    "place.latitude": "Its latitude",
    "place.longitude": "Its longitude",
    "skip": "A row with any text here is left out",
}
TARGET_PATTERN: Final = re.compile(r"\s*([a-z0-9_.-]+)\s*(?:\(([^()]*)\))?\s*")
PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")
COLUMN_OPTIONS: Final = ("field", "separator", "parentheses", "html")
SEPARATORS: Final = (";", ",", "|", "none")
PARENTHESES: Final = ("role", "name")
MAX_MAPPING_FAULTS: Final = 20
MAX_HEADER_CHARACTERS: Final = 200
MAX_COLUMNS: Final = 1000
SETTINGS: Final = ("date.order", "date.forms", "date.precision", "constants")


@dataclass(frozen=True)
class Target:
    """A field that a column fills; `detail` is the role of actors, the measure of quantities."""

    field: str
    detail: str | None = None
    separator: str | None = None
    parentheses: str | None = None
    html: bool = False

    def as_json(self) -> Any:
        """Return the field in the shortest form."""
        name = f"{self.field} ({self.detail})" if self.detail else self.field
        options = {
            name: value
            for name in COLUMN_OPTIONS[1:]
            if (value := getattr(self, name)) not in (None, False)
        }
        return {"field": name, **options} if options else name


@dataclass(frozen=True)
class ColumnMapping:
    """The fields of a table's columns, and the settings for reading them."""

    columns: Mapping[str, tuple[Target, ...]]
    constants: Mapping[str, str | None] = field(default_factory=dict)
    order: str | None = None
    forms: tuple[str, ...] = ()
    precision: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> Json:
        """Return the mapping as it is edited and sent back."""
        document: Json = {}
        for column, targets in self.columns.items():
            parts = [target.as_json() for target in targets]
            document[column] = parts if len(parts) > 1 else parts[0] if parts else None
        if "date" in self.fields or "date.end" in self.fields:
            document["date.order"], document["date.forms"] = self.order, list(self.forms)
        if self.precision:
            document["date.precision"] = dict(self.precision)
        if self.constants:
            document["constants"] = dict(self.constants)
        return document

    @property
    def fields(self) -> set[str]:
        """Return the fields that columns fill."""
        return {target.field for targets in self.columns.values() for target in targets}

    @property
    def ignored(self) -> list[str]:
        """Return the columns that are left out."""
        return [column for column, targets in self.columns.items() if not targets]

    def columns_of(self, *prefixes: str) -> list[str]:
        """Return the columns that fill one of these fields, or a part of one."""
        return [
            column
            for column, targets in self.columns.items()
            if any(t.field == p or t.field.startswith(f"{p}.") for t in targets for p in prefixes)
        ]


class MappingError(ValueError):
    """Faults of a mapping, each named by its key."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__("the mapping is not valid")
        self.faults = tuple(faults)[:MAX_MAPPING_FAULTS]


def normalize(header: str) -> str:
    """Return a header without case, accents, spacing and punctuation: `source_url`."""
    return re.sub(r"[^a-z0-9]+", "_", fold(header[:MAX_HEADER_CHARACTERS])).strip("_")


def read_mapping(document: Any, columns: Sequence[str], fields: Sequence[str]) -> ColumnMapping:
    """Return the mapping of a JSON document for these columns. Raise MappingError if it is none.

    `fields` are the columns of Dateline's own tables. Columns that it does not name are left out.
    """
    names = (*fields, *PART_FIELDS)
    if not isinstance(document, dict):
        raise MappingError([Fault("query", "mapping", "is not a JSON object or a name")])
    faults: list[Fault] = []
    targets: dict[str, tuple[Target, ...]] = dict.fromkeys(columns, ())
    constants: dict[str, str | None] = {}
    settings: Json = {}
    for key, value in document.items():
        column = find_column(key, columns)
        if column is not None:
            faults += _read_targets(column, value, names, targets)
        elif key in SETTINGS:
            settings[key] = value
        elif _is_field(key, fields):
            constants[key] = value
        elif value is not None:
            message = "is neither a column of the file nor a setting"
            faults.append(_fault(key, message, nearest(str(key)[:200], [*columns, *SETTINGS])))
    more = settings.get("constants") or {}
    if not isinstance(more, dict):
        faults.append(_fault("constants", 'is not an object such as {"type": "protest"}'))
        more = {}
    constants.update(more)
    faults += _check_constants(constants, columns, fields)
    order, forms, precision, slips = _read_settings(settings)
    mapping = ColumnMapping(targets, constants, order, forms, precision)
    faults += [*slips, *_check_whole(mapping)]
    if faults:
        raise MappingError(faults)
    return mapping


def find_column(key: Any, columns: Sequence[str]) -> str | None:
    """Return the column that a key names: as it is written, or in another case and spacing."""
    if key in columns:
        return str(key)
    if not isinstance(key, str) or key in SETTINGS:
        return None
    alike = [column for column in columns if column and normalize(column) == normalize(key)]
    return alike[0] if len(alike) == 1 else None


def _fault(key: Any, message: str, suggestion: str | None = None) -> Fault:
    return Fault("query", f"mapping.{str(key)[:200]}", message, suggestion)


def _read_targets(
    column: str, value: Any, names: Sequence[str], targets: dict[str, tuple[Target, ...]]
) -> Iterator[Fault]:
    entries = value if isinstance(value, list) else [] if value is None else [value]
    column_targets: list[Target] = []
    for entry in entries:
        options = entry if isinstance(entry, dict) else {"field": entry}
        target, fault = _read_target(column, options, names)
        if fault is not None:
            yield fault
        elif target is not None:
            column_targets.append(target)
    targets[column] = tuple(column_targets)


def _read_target(
    column: str, options: Json, names: Sequence[str]
) -> tuple[Target | None, Fault | None]:
    for name in options:
        if name not in COLUMN_OPTIONS:
            message = f"has no option '{str(name)[:100]}'; known: {', '.join(COLUMN_OPTIONS)}"
            return None, _fault(column, message, nearest(str(name)[:100], COLUMN_OPTIONS))
    text = options.get("field")
    match = (
        TARGET_PATTERN.fullmatch(text[:MAX_HEADER_CHARACTERS]) if isinstance(text, str) else None
    )
    if match is None or not _is_field(match[1], names):
        near = None
        if isinstance(text, str):
            near = mend_own_field(text.strip()) or nearest(normalize(text)[:100], names)
        message = f"is mapped to no field; known: {', '.join(names)}, extra.NAME"
        return None, _fault(column, message, near)
    name, detail = match[1], (match[2] or "").strip() or None
    if detail and name not in ("actors", "quantities"):
        return None, _fault(column, "only `actors (role)` and `quantities (measure)` have brackets")
    if detail and name == "actors" and not is_slug(detail):
        near = normalize(detail).replace("_", "-")
        return None, _fault(column, f"'{detail[:100]}' is not a role: a-z, 0-9 and hyphens", near)
    separator, parentheses = options.get("separator"), options.get("parentheses")
    html = options.get("html", False)
    if separator not in (None, *SEPARATORS) or (
        separator and name not in LIST_FIELDS | SOURCE_LIST_FIELDS
    ):
        return None, _fault(column, f"`separator` is one of {' '.join(SEPARATORS)}, of a list")
    if parentheses not in (None, *PARENTHESES) or (parentheses and name != "actors"):
        return None, _fault(column, "`parentheses` is `role` or `name`, of actors")
    if not isinstance(html, bool):
        return None, _fault(column, "`html` is true or false")
    return Target(name, detail, separator, parentheses, html), None


def _is_field(name: str, fields: Sequence[str]) -> bool:
    return name in fields or name_own_field(name) is not None


def _check_constants(
    constants: Json, columns: Sequence[str], fields: Sequence[str]
) -> Iterator[Fault]:
    for name, value in constants.items():
        if not _is_field(name, fields):
            message = f"is not a field; known: {', '.join(fields)}, extra.NAME"
            yield _fault(f"constants.{name}", message, nearest(str(name)[:100], fields))
        elif value is not None and not isinstance(value, str):
            yield _fault(f"constants.{name}", "give a text")
        else:
            for column in PLACEHOLDER.findall(value or ""):
                if column not in columns:
                    message = f"names the column '{column[:100]}', which the file has not"
                    near = nearest(column[:100], [*columns])
                    yield _fault(f"constants.{name}", message, near)


def _read_settings(
    settings: Json,
) -> tuple[str | None, tuple[str, ...], dict[str, str], list[Fault]]:
    faults = []
    order, forms = settings.get("date.order"), settings.get("date.forms") or []
    precision = settings.get("date.precision") or {}
    if order not in (None, *DATE_ORDERS):
        faults.append(_fault("date.order", f"is one of {', '.join(DATE_ORDERS)}, or null"))
        order = None
    forms = [forms] if isinstance(forms, str) else forms
    unknown = (
        [form for form in forms if form not in DATE_FORMS] if isinstance(forms, list) else [forms]
    )
    if unknown:
        message = (
            f"'{str(unknown[0])[:100]}' is not a form of dates; known: {', '.join(DATE_FORMS)}"
        )
        faults.append(_fault("date.forms", message, nearest(str(unknown[0])[:100], DATE_FORMS)))
        forms = []
    if {"years", "season"} <= set(forms) or {"years", "year-month"} <= set(forms):
        faults.append(_fault("date.forms", "`years` reads the same cells as the other; keep one"))
    if not isinstance(precision, dict) or any(p not in WIDENINGS for p in precision.values()):
        message = f'is an object such as {{"1": "day"}}; known: {", ".join(WIDENINGS)}'
        faults.append(_fault("date.precision", message))
        precision = {}
    return order, tuple(forms), {str(k): v for k, v in precision.items()}, faults


def _check_whole(mapping: ColumnMapping) -> Iterator[Fault]:
    """Yield the faults of columns that contradict each other."""
    owners: dict[str, str] = {}
    for column, targets in mapping.columns.items():
        for target in targets:
            name = target.field
            if name in LIST_FIELDS or name in ("skip", "media"):
                continue
            if name in owners:
                yield _fault(column, f"is `{name}`, and so is '{owners[name][:100]}'; keep one")
            owners.setdefault(name, column)
    for name in sorted(owners.keys() & mapping.constants.keys()):
        if mapping.constants[name] is not None:
            yield _fault(f"constants.{name}", f"the column '{owners[name][:100]}' gives it already")
    for end in ("date", "date.end"):
        if end in owners and f"{end}.year" in owners:
            message = f"is `{end}.year`, and '{owners[end][:100]}' is the whole date; keep one"
            yield _fault(owners[f"{end}.year"], message)
        for part in ("month", "day"):
            if f"{end}.{part}" in owners and f"{end}.year" not in owners:
                yield _fault(owners[f"{end}.{part}"], f"is `{end}.{part}`; no column is the year")
