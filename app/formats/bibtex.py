"""BibTeX: the sources as LaTeX and reference managers read and write them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final

from app import dates
from app.formats.lines import About, Line, damaged_file, unreadable_line
from app.formats.references import (
    NAME_SEPARATOR,
    REFERENCE_KINDS,
    ReferenceError,
    build_source_line,
    choose_publisher,
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

TEX_MONTHS: Final = [
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
]
TEX_SPECIALS: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{letter: f"\\{letter}" for letter in "$&#%_"},
    }
)
PUBLISHER_FIELDS: Final = {  # by type of entry, instead of `publisher`
    "article": "journal",
    "techreport": "institution",
    "online": "organization",
}
KIND_OF_ENTRY: Final = {
    **dict.fromkeys(("book", "inbook", "incollection", "booklet", "collection"), "book"),
    **dict.fromkeys(("techreport", "report"), "report"),
    **dict.fromkeys(("online", "electronic", "www"), "web-page"),
    "dataset": "dataset",
    **dict.fromkeys(("legislation", "jurisdiction", "legal"), "official"),
}
READ_FIELDS: Final = frozenset(
    (
        *("title", "author", "journal", "journaltitle", "booktitle", "publisher", "institution"),
        *("organization", "school", "date", "year", "month", "day", "url", "doi", "urldate"),
        *("archiveurl", "language", "langid", "type"),
    )
)
WHOLE_FIELDS: Final = ("journal", "journaltitle", "booktitle")
PUBLISHER_NAMES: Final = ("publisher", "institution", "organization", "school")
BIBTEX_ORIGINS: Final = {
    "published": "date",
    "accessed": "urldate",
    "archive_url": "archiveurl",
}
ENTRY_START: Final = re.compile(r"@\s*([A-Za-z]+)\s*([{(])")
FIELD_NAME: Final = re.compile(r"\s*([A-Za-z][\w.:+-]*)\s*=\s*")
BARE_VALUE: Final = re.compile(r"[^\s,#{}()\"=]+")
BRACES: Final = re.compile(r"\\.|[{}\"]", re.DOTALL)


# -- writing --------------------------------------------------------------------------------------


def write_bibtex(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield a BibTeX file in UTF-8 with an entry for each source of the events.

    `date` is EDTF, as biblatex reads it; `year` and `month` are for older styles.
    """
    yield b"% UTF-8\n"
    for sources in list_sources(documents):
        yield "".join(map(_entry, sources)).encode()


def _entry(source: Mapping[str, Any]) -> str:
    kind = source["kind"]
    reference = REFERENCE_KINDS[kind]
    fields = {
        "title": _braced(source["title"]),
        "author": " and ".join(f"{{{_escape(n)}}}" for n in split_names(source["author"])),
        PUBLISHER_FIELDS.get(reference.bibtex, "publisher"): _braced(source["publisher"]),
        "date": source["published"],
        **_old_date(source["published"]),
        "url": source["url"],
        "urldate": source["accessed"],
        "archiveurl": source["archive_url"],
        "language": source["language"],
        "type": kind if kind == "news" or not reference.is_exact else None,
    }
    written = (f"  {name} = {_value(name, value)},\n" for name, value in fields.items() if value)
    return f"\n@{reference.bibtex}{{{source['id']},\n{''.join(written)}}}\n"


def _value(name: str, value: str) -> str:
    return value if name == "month" else f"{{{value}}}"


def _braced(text: str | None) -> str | None:
    """Return a text in braces, which keep its capitals and an `and` in it."""
    return f"{{{_escape(text)}}}" if text else None


def _escape(text: str) -> str:
    return " ".join(re.sub("-(?=-)", "-{}", text.translate(TEX_SPECIALS)).split())


def _old_date(edtf: str | None) -> dict[str, str]:
    """Return year and month for styles that do not know `date`."""
    if edtf is None:
        return {}
    parts = list_date_parts(edtf)
    if parts is None or len(parts) > 1:
        return {"year": _escape(dates.parse(edtf).label)}
    year, *finer = parts[0]
    return {"year": f"{year:04d}", **({"month": TEX_MONTHS[finer[0] - 1]} if finer else {})}


# -- reading --------------------------------------------------------------------------------------


def read_bibtex(file: BinaryIO) -> Iterator[Line]:
    """Yield the sources of a BibTeX file; what stands between entries is a comment."""
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield damaged_file(f"is not UTF-8: byte {error.start} begins no character")
        return
    strings = {month: month for month in TEX_MONTHS}
    position = counted = 0
    line, is_empty = 1, re.sub("(?m)^%.*$", "", text).strip() != ""
    while (start := ENTRY_START.search(text, position)) is not None:
        line += text.count("\n", counted, start.start())
        counted = start.start()
        is_empty = False
        entry_type = start[1].lower()
        parser = _Parser(text, start.end(), "}" if start[2] == "{" else ")", strings)
        try:
            if entry_type in ("comment", "preamble"):
                parser.skip()
            elif entry_type == "string":
                strings |= parser.read_fields()
            else:
                key = parser.read_key()
                yield _read_entry(line, entry_type, key, parser.read_fields())
        except ReferenceError as error:
            yield unreadable_line(line, error.name[:200], str(error))
            parser.position = _find_next(text, start.end())
        position = parser.position
    if is_empty:
        yield damaged_file("holds no entry such as @book{key, title = {…}}")


def _find_next(text: str, position: int) -> int:
    """Return the place behind a damaged entry: the next line that begins with @."""
    place = text.find("\n@", position)
    return len(text) if place < 0 else place


class _Parser:
    """Read one entry from behind its opening brace."""

    def __init__(self, text: str, position: int, closing: str, strings: Mapping[str, str]) -> None:
        self.text = text
        self.position = position
        self.closing = closing
        self.strings = strings

    def skip(self) -> None:
        self.position = self._find_closing(self.position)

    def read_key(self) -> str:
        match = re.compile(r"\s*([^\s,{}()\"]*)\s*(?=[,})])").match(self.text, self.position)
        if match is None:
            raise ReferenceError("key", "is missing: an entry begins with a key and a comma")
        self.position = match.end()
        return match[1]

    def read_fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        while True:
            rest = re.compile(r"[\s,]*").match(self.text, self.position)
            assert rest is not None
            self.position = rest.end()
            if self.text.startswith(self.closing, self.position):
                self.position += 1
                return fields
            match = FIELD_NAME.match(self.text, self.position)
            if match is None:
                there = self.text[self.position : self.position + 30].split("\n")[0]
                message = f"'{there}' is no field such as title = {{…}}; is a brace missing?"
                raise ReferenceError("entry", message)
            self.position = match.end()
            fields.setdefault(match[1].lower(), self._read_value(match[1]))

    def _read_value(self, name: str) -> str:
        parts = [self._read_part(name)]
        while (more := re.compile(r"\s*#\s*").match(self.text, self.position)) is not None:
            self.position = more.end()
            parts.append(self._read_part(name))
        return "".join(parts)

    def _read_part(self, name: str) -> str:
        begins = self.position
        opening = self.text[begins : begins + 1]
        if opening == "{":
            self.position = self._find_closing(begins + 1, "}")
            return self.text[begins + 1 : self.position - 1]
        if opening == '"':
            self.position = self._find_closing(begins + 1, '"')
            return self.text[begins + 1 : self.position - 1]
        match = BARE_VALUE.match(self.text, begins)
        if match is None:
            raise ReferenceError(name, "has no value: write it in braces")
        self.position = match.end()
        value = match[0]
        if value.isdigit():
            return value
        if value.lower() not in self.strings:
            raise ReferenceError(name, f"'{value[:60]}' is neither in braces nor a @string")
        return self.strings[value.lower()]

    def _find_closing(self, position: int, closing: str | None = None) -> int:
        """Return the place behind the closing brace or quote. Raise ReferenceError if none is."""
        closing, depth = closing or self.closing, 0
        for match in BRACES.finditer(self.text, position):
            if match[0] == closing and depth == 0:
                return match.end()
            depth += (match[0] == "{") - (match[0] == "}")
        if closing == ")":
            return self.text.find(")", position) + 1 or len(self.text)
        raise ReferenceError("entry", f"has no closing {closing}")


def _read_entry(number: int, entry_type: str, key: str, written: Mapping[str, str]) -> Line:
    notes: list[str] = []
    fields = {name: decode_tex(value) for name, value in written.items()}
    own_kind = read_own_kind(fields.get("type", ""))
    for name in fields:
        if name not in READ_FIELDS or (name == "type" and not own_kind):
            notes.append(f"{name[:40]} is left out: a source has no place for it")
    whole_name = next((n for n in WHOLE_FIELDS if fields.get(n)), "journal")
    publisher_name = next((n for n in PUBLISHER_NAMES if fields.get(n)), "publisher")
    whole, publisher = fields.get(whole_name, ""), fields.get(publisher_name, "")
    name, other = choose_publisher(entry_type == "article", whole, publisher)
    used = whole_name if name == whole and whole else publisher_name
    if other:
        left_out = publisher_name if used == whole_name else whole_name
        notes.append(f"{left_out} is left out: {used} is the source's publisher")
    address = _address(written.get("url", "")), _address(written.get("doi", ""))
    source = {
        "title": fields.get("title"),
        "publisher": name,
        "author": _read_names(written.get("author", "")),
        "url": read_address(*address, notes),
        "archive_url": read_archive_address(
            _address(written.get("archiveurl", "")), "archiveurl", notes
        ),
        "published": _read_date({**fields, "date": written.get("date", "")}, notes),
        "accessed": _read_day(written.get("urldate", ""), "urldate", notes),
        "language": read_language(fields.get("language", ""), notes),
        "kind": own_kind or KIND_OF_ENTRY.get(entry_type),
    }
    origins = {**BIBTEX_ORIGINS, "publisher": used}
    return build_source_line(number, key, source, origins, notes)


def _address(written: str) -> str:
    """Return an address, which TeX reads letter by letter but for escapes."""
    return re.sub(r"\\([_%#&~{}])", r"\1", "".join(written.split())).strip("{}")


def _read_names(written: str) -> str:
    names = (_turn_name(name) for name in _split_at_and(written))
    return NAME_SEPARATOR.join(filter(None, names))


def _split_at_and(written: str) -> Iterator[str]:
    """Yield the names between each `and` outside braces."""
    begins = depth = 0
    for match in re.finditer(r"\\.|[{}]|\sand(?=\s)", written, re.DOTALL):
        if match[0].endswith("and") and match[0] != "\\a":
            if depth == 0:
                yield written[begins : match.start()]
                begins = match.end()
        else:
            depth += (match[0] == "{") - (match[0] == "}")
    yield written[begins:]


def _turn_name(written: str) -> str:
    """Return `Ann Smith` for `Smith, Ann`, and any other name as it is."""
    name = written.strip()
    if name.startswith("{") and name.endswith("}"):
        return decode_tex(name)
    family, *first_names = (decode_tex(part) for part in name.split(","))
    if name == "others":
        return "et al."
    return " ".join(filter(None, (*first_names[-1:], family, *first_names[:-1])))


def _read_date(fields: Mapping[str, str], notes: list[str]) -> str | None:
    if fields.get("date"):
        return _read_day(fields["date"], "date", notes)
    year, month, day = (fields.get(name, "") for name in ("year", "month", "day"))
    if not year:
        return None
    if not re.fullmatch(r"\d{4}", year):
        return _read_day(year, "year", notes)
    if not month:
        return join_edtf(int(year), name="year")
    short = month.lower().rstrip(".")[:3]
    if month.isdigit() and 1 <= int(month) <= 12:
        finer = [int(month)]
    elif short in TEX_MONTHS and re.fullmatch(r"[A-Za-z]+\.?", month):
        finer = [TEX_MONTHS.index(short) + 1]
    else:
        notes.append(f"the month '{month[:40]}' is left out: the source has its year")
        return join_edtf(int(year), name="year")
    if re.fullmatch(r"\d{1,2}", day):
        finer.append(int(day))
    return join_edtf(int(year), *finer, name="date")


def _read_day(text: str, name: str, notes: list[str]) -> str | None:
    """Return a date in EDTF; note one that is only in words."""
    if not text:
        return None
    if re.fullmatch(r"[-0-9XYES~?%./\[\]{}, ]+", text):
        return read_edtf(text, name)
    notes.append(f"{name} is left out where it is only in words: '{text[:40]}'")
    return None


# -- TeX ------------------------------------------------------------------------------------------

TEX_ACCENTS: Final = {
    **dict(zip("`'^\"~=.", "\u0300\u0301\u0302\u0308\u0303\u0304\u0307", strict=True)),
    **dict(zip("uvHcdbrk", "\u0306\u030c\u030b\u0327\u0323\u0331\u030a\u0328", strict=True)),
}
ACCENT: Final = re.compile(
    r"\\(?:([`'^\"~=.])\s*|([uvHcdbrk])(?:\s+|(?=\{)))(?:\{\\?([A-Za-z])\}|\\?([A-Za-z])\b|([A-Za-z]))"
)
TEX_LETTERS: Final = {
    "ss": "ß",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
    "aa": "å",
    "AA": "Å",
    "dj": "đ",
    "DJ": "Đ",
    "i": "ı",
    "j": "ȷ",
    "textbackslash": "\\",
    "textbraceleft": "\0",
    "textbraceright": "\1",
    "textasciitilde": "\2",
    "textasciicircum": "^",
    "textendash": "–",
    "textemdash": "—",
    "textquoteleft": "‘",
    "textquoteright": "’",
    "ldots": "…",
    "dots": "…",
}
COMMAND: Final = re.compile(r"\\([A-Za-z]+)(?:\{\}|\s+|(?![A-Za-z]))")
KEPT: Final = str.maketrans({"\0": "{", "\1": "}", "\2": "~", "\3": "\\"})


def decode_tex(text: str) -> str:
    """Return the plain text of TeX in one line: accents as letters, no braces, no commands."""
    if "\\" in text:
        text = ACCENT.sub(_accented, text)
        text = COMMAND.sub(lambda match: TEX_LETTERS.get(match[1], "").replace("\\", "\3"), text)
        text = re.sub(r"\\([$&#%_{}])", r"\1", text).replace("\\ ", " ").replace("\\", "")
    text = text.replace("---", "—").replace("--", "–").replace("~", " ")
    return " ".join(re.sub("[{}]", "", text).translate(KEPT).split())


def _accented(match: re.Match[str]) -> str:
    letter = match[3] or match[4] or match[5]
    return unicodedata.normalize("NFC", letter + TEX_ACCENTS[match[1] or match[2]])
