"""RIS: the sources as EndNote, Zotero and library catalogues read and write them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final

from app.formats.lines import About, Line, damaged_file, unreadable_line
from app.formats.references import (
    NAME_SEPARATOR,
    PERIODICALS,
    REFERENCE_KINDS,
    ReferenceError,
    build_source_line,
    choose_publisher,
    is_exact_date,
    join_edtf,
    list_date_parts,
    list_sources,
    read_address,
    read_archive_address,
    read_edtf,
    read_language,
    read_own_kind,
    split_names,
)

KIND_OF_RIS: Final = {
    "NEWS": "news",
    "RPRT": "report",
    **dict.fromkeys(("BOOK", "CHAP", "EBOOK", "ECHAP", "EDBOOK"), "book"),
    **dict.fromkeys(("DATA", "DBASE", "AGGR"), "dataset"),
    **dict.fromkeys(("ELEC", "BLOG", "WEB"), "web-page"),
    **dict.fromkeys(("GOVDOC", "LEGAL", "STAT", "BILL", "CASE", "HEAR"), "official"),
}
PERIODICAL_TYPES: Final = ("NEWS", "JOUR", "JFULL", "MGZN", "EJOUR", "ELEC", "BLOG", "WEB")
TITLES: Final = ("TI", "T1", "CT", "BT")
AUTHORS: Final = ("AU", "A1")
WHOLE_TAGS: Final = ("T2", "JO", "JF", "JA", "J2")
READ_TAGS: Final = frozenset(
    (
        *TITLES,
        *AUTHORS,
        *WHOLE_TAGS,
        "TY",
        "PB",
        "UR",
        "DO",
        "AV",
        "PY",
        "Y1",
        "DA",
        "Y2",
        "LA",
        "ID",
    )
)
RIS_ORIGINS: Final = {
    "title": "TI",
    "author": "AU",
    "url": "UR",
    "archive_url": "AV",
    "published": "DA",
    "accessed": "Y2",
    "language": "LA",
    "kind": "TY",
    "id": "ID",
}
TAGGED: Final = re.compile(r"([A-Z][A-Z0-9]) {1,2}- ?(.*)", re.DOTALL)


# -- writing --------------------------------------------------------------------------------------


def write_ris(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield an RIS file in UTF-8 with a reference for each source of the events."""
    for sources in list_sources(documents):
        yield "".join(map(_reference, sources)).encode()


def _reference(source: Mapping[str, Any]) -> str:
    kind = source["kind"]
    reference = REFERENCE_KINDS[kind]
    published = source["published"]
    parts = list_date_parts(published) if published else None
    tags = [
        ("TY", reference.ris),
        ("ID", source["id"]),
        ("M3", None if reference.is_exact else kind),
        ("TI", source["title"]),
        *(("AU", name) for name in split_names(source["author"])),
        ("T2" if kind in PERIODICALS else "PB", source["publisher"]),
        ("PY", f"{parts[0][0]:04d}" if parts and len(parts) == 1 else None),
        ("DA", _write_date(published)),
        ("Y2", _write_date(source["accessed"])),
        ("UR", source["url"]),
        ("AV", source["archive_url"]),
        ("LA", source["language"]),
    ]
    lines = (f"{tag}  - {' '.join(value.split())}\r\n" for tag, value in tags if value)
    return f"{''.join(lines)}ER  - \r\n\r\n"


def _write_date(edtf: str | None) -> str | None:
    """Return YYYY/MM/DD/, as far as it is known; any other date stands in its last part."""
    if edtf is None:
        return None
    if "/" in edtf or not is_exact_date(edtf):
        return f"///{edtf}"
    return "/".join([*edtf.split("-"), "", ""][:3]) + "/"


# -- reading --------------------------------------------------------------------------------------


def read_ris(file: BinaryIO) -> Iterator[Line]:
    """Yield the sources of an RIS file."""
    number, begins = 0, 0
    tags: list[tuple[str, list[str]]] = []  # each with the lines of its value
    for number, raw in enumerate(file, 1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
        except UnicodeDecodeError:
            yield unreadable_line(number, "file", "is not UTF-8 in this line; save it as UTF-8")
            return
        match = TAGGED.match(line.lstrip())
        if match is None:
            if line.strip() and not tags:
                yield damaged_file("is not RIS: a reference begins with a line such as TY  - NEWS")
                return
            if line.strip():
                tags[-1][1].append(line.strip())
        elif match[1] == "TY":
            if tags:
                yield unreadable_line(begins, "TY", "the reference before ends without ER  -")
            tags, begins = [("TY", [match[2].strip()])], number
        elif not tags:
            yield unreadable_line(number, match[1], "stands before TY, which begins a reference")
            return
        elif match[1] == "ER":
            yield _read_tags(begins, tags)
            tags = []
        else:
            tags.append((match[1], [match[2].strip()]))
    if tags:
        yield unreadable_line(begins, "TY", "ends without ER  -; the file is not whole")


def _read_tags(number: int, tags: Iterable[tuple[str, list[str]]]) -> Line:
    by_tag: dict[str, list[str]] = {}
    for tag, lines in tags:
        if value := " ".join(lines).strip():
            by_tag.setdefault(tag, []).append(value)
    try:
        return _read_reference(number, by_tag)
    except ReferenceError as error:
        return unreadable_line(number, error.name, str(error))


def _read_reference(number: int, tags: Mapping[str, list[str]]) -> Line:
    def first(*names: str) -> str:
        return next((tags[name][0] for name in names if name in tags), "")

    notes: list[str] = []
    ris_type, own_kind = first("TY"), read_own_kind(first("M3"))
    for tag in tags:
        if tag not in READ_TAGS and not (tag == "M3" and own_kind):
            notes.append(f"{tag} is left out: a source has no place for it")
    notes += ["a further UR is left out: a source has one address"] * (len(tags.get("UR", ())) - 1)
    whole, publisher = first(*WHOLE_TAGS), first("PB")
    name, other = choose_publisher(ris_type in PERIODICAL_TYPES, whole, publisher)
    if other:
        left_out = "PB" if other == publisher else "T2"
        notes.append(f"{left_out} is left out: the other of the two is the source's publisher")
    source = {
        "title": first(*TITLES),
        "publisher": name,
        "author": NAME_SEPARATOR.join(
            _turn_name(author) for tag in AUTHORS for author in tags.get(tag, ())
        ),
        "url": read_address(first("UR"), first("DO"), notes),
        "archive_url": read_archive_address(first("AV"), "AV", notes),
        "published": _read_date(first("DA"), "DA") or _read_date(first("PY", "Y1"), "PY"),
        "accessed": _read_date(first("Y2"), "Y2"),
        "language": read_language(first("LA"), notes),
        "kind": own_kind or KIND_OF_RIS.get(ris_type),
    }
    origins = {**RIS_ORIGINS, "publisher": "PB" if name == publisher else "T2"}
    return build_source_line(number, first("ID"), source, origins, notes)


def _turn_name(written: str) -> str:
    """Return `Ann Smith` for `Smith, Ann`, and any other name as it is."""
    family, *first_names = (part.strip() for part in written.split(","))
    return " ".join(filter(None, (*first_names[:1], family, *first_names[1:])))


def _read_date(text: str, name: str) -> str | None:
    if not text:
        return None
    *numbers, beside = [*text.split("/", 3), "", "", ""][:4]
    digits = [number.strip() for number in numbers if number.strip()]
    if not digits:
        return read_edtf(beside.strip(), name) if beside.strip() else None
    if not all(re.fullmatch(r"\d{1,4}", number) for number in digits):
        return read_edtf(text.strip(), name)
    return join_edtf(*map(int, digits), name=name)
