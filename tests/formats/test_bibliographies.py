"""CSL-JSON, BibTeX and RIS: what other libraries read in them, and what is read of theirs."""

import io
import json
from collections.abc import Mapping
from typing import Any

import rispy  # type: ignore[import-untyped]
from bibtexparser.entrypoint import parse_string
from hypothesis import given
from hypothesis import strategies as st

from app import dates
from app.formats import BIBLIOGRAPHIES, READERS, Line, sniff_format
from app.formats.bibtex import decode_tex
from app.formats.references import split_names
from formats.documents import ABOUT, EDTF, LETTERS, URL, Json, event, nullable, served, source
from tables import check_each

WORDS = st.lists(
    st.sampled_from(
        (
            *(
                "gas",
                "Müller",
                "{",
                "}",
                "\\",
                "\\'e",
                "a_b",
                "100%",
                "&",
                "#1",
                "$",
                "~",
                "^",
                "--",
                "----",
                "<?>",
                "<x",
                "&lt",
            ),
            *('"', "''", "``", ",", "and", ";", "@misc{x,", "ER  - ", "TY  - NEWS", "https://x"),
        )
    )
    | st.text(LETTERS, min_size=1, max_size=6),
    min_size=1,
    max_size=5,
).map(lambda words: " ".join(" ".join(words).split()) or "x")


def is_written_plainly(author: str) -> bool:
    """Return whether names are separated as Dateline does, and none is turned around."""
    return "," not in author and "; ".join(split_names(author)) == author


KINDS = st.sampled_from(
    (*("news", "analysis", "official", "report", "book", "dataset", "web-page", "other"), None)
)
SOURCES = st.builds(
    lambda number, **fields: source(id=f"s{number}", **fields),
    st.integers(0, 9),
    publisher=nullable(WORDS),
    title=WORDS,
    author=nullable(WORDS.filter(is_written_plainly)),
    url=nullable(URL),
    archive_url=nullable(URL),
    published=nullable(EDTF),
    accessed=nullable(EDTF),
    language=nullable(st.sampled_from(("en", "sr-Latn", "de-CH"))),
    kind=KINDS,
)
FIELDS = ("id", "publisher", "title", "author", "url", "archive_url", "published", "accessed")
KNOWN = source(
    id="example-news-2023",
    publisher="Example News",
    title="Gas & {more} at 100 %",
    author="Ann Smith; Müller and Sons",
    url="https://example.org/a_b?c=%20#d",
    published="2023-11",
    accessed="2024-02-28",
    language="en",
    kind="news",
)


def write(name: str, *sources: Json) -> bytes:
    """Return the bibliography of events that cite these sources."""
    documents = [served(event(sources=list(sources)))] * 2 if sources else []
    return b"".join(BIBLIOGRAPHIES[name].write(documents, ABOUT))


def read(name: str, file: str | bytes) -> list[Line]:
    """Return the lines of a file."""
    return list(READERS[name](io.BytesIO(file if isinstance(file, bytes) else file.encode())))


def one(name: str, file: str) -> Line:
    """Return the only line of a file."""
    (line,) = read(name, file)
    return line


# -- written --------------------------------------------------------------------------------------


def test_csl_has_every_known_field_and_no_other() -> None:
    """A month stays a month; each source stands once."""
    assert json.loads(write("csl", KNOWN)) == [
        {
            "id": "example-news-2023",
            "type": "article-newspaper",
            "title": "Gas & {more} at 100 %",
            "author": [{"literal": "Ann Smith"}, {"literal": "Müller and Sons"}],
            "container-title": "Example News",
            "issued": {"date-parts": [[2023, 11]]},
            "accessed": {"date-parts": [[2024, 2, 28]]},
            "URL": "https://example.org/a_b?c=%20#d",
            "language": "en",
        }
    ]
    bare = source(id="a", publisher="P")
    assert json.loads(write("csl", bare)) == [{"id": "a", "type": "document", "publisher": "P"}]


def test_a_foreign_library_reads_bibtex() -> None:
    """Its entry, key and fields, with nothing that failed."""
    library = parse_string(write("bib", KNOWN).decode())
    assert library.failed_blocks == []
    (entry,) = library.entries
    assert (entry.entry_type, entry.key) == ("article", "example-news-2023")
    fields = {field.key: field.value for field in entry.fields}
    assert (fields["date"], fields["year"]) == ("2023-11", "2023")
    assert decode_tex(fields["title"]) == KNOWN["title"]
    assert decode_tex(fields["journal"]) == "Example News"
    assert fields["url"] == KNOWN["url"]
    assert "day" not in fields


def test_a_foreign_library_reads_ris() -> None:
    """Its type and fields."""
    (reference,) = rispy.loads(write("ris", KNOWN).decode())
    assert reference["type_of_reference"] == "NEWS"
    assert reference["title"] == KNOWN["title"]
    assert reference["authors"] == ["Ann Smith", "Müller and Sons"]
    assert (reference["year"], reference["date"]) == ("2023", "2023/11//")
    assert reference["urls"] == [KNOWN["url"]]


@given(st.lists(SOURCES, max_size=4, unique_by=lambda known: str(known["id"])))
def test_foreign_libraries_read_any_text(sources: list[Json]) -> None:
    """As many references as there are sources, each under its id."""
    ids = [known["id"] for known in sources]
    library = parse_string(write("bib", *sources).decode())
    assert library.failed_blocks == []
    assert [entry.key for entry in library.entries] == ids
    assert [known["id"] for known in rispy.loads(write("ris", *sources).decode())] == ids


@given(st.lists(SOURCES, max_size=4, unique_by=lambda known: str(known["id"])))
def test_a_bibliography_comes_back_as_it_was(sources: list[Json]) -> None:
    """Every field of every source, in each format."""
    for name in BIBLIOGRAPHIES:
        lines = read(name, write(name, *sources))
        assert [line.faults for line in lines] == [()] * len(sources)
        for line, known in zip(lines, sources, strict=True):
            fields = (*FIELDS, "language", "kind")
            expected = {n: known[n] for n in fields if known[n]}
            assert (name, line.document) == (name, expected)
            assert (line.kind, line.notes) == ("source", ())


def test_markup_of_a_title_goes_and_what_only_looks_like_it_stays() -> None:
    """In CSL-JSON, whose titles may have some tags and entities."""
    for title, plain in (
        ('The <i>Gas</i> of <span class="nocase">SOCAR</span>', "The Gas of SOCAR"),
        ("CO<sub>2</sub> &amp; gas", "CO2 & gas"),
        ("<?> of < or >", "<?> of < or >"),
        ("AT&T <newspaper>", "AT&T <newspaper>"),
    ):
        (line,) = read("csl", json.dumps([{"id": "a", "type": "report", "title": title}]).encode())
        assert line.document["title"] == plain


def test_an_inexact_date_is_never_made_exact() -> None:
    """What a format cannot say stands in words, beside the exact date."""

    def check(edtf: str) -> None:
        (item,) = json.loads(write("csl", {**KNOWN, "published": edtf}))
        issued = item["issued"]
        if "literal" in issued:
            assert issued == {"literal": dates.parse(edtf).label}
            assert item["custom"] == {"published": edtf}
        else:
            assert issued.get("circa", False) == edtf.endswith(("~", "?", "%"))

    check_each(
        ["[2024-02-28..]", "199X", "2023-22", "2023~", "2023?", "2023-11/2024", "-0043"], check
    )


# -- read -----------------------------------------------------------------------------------------

BIB = r"""
@string{ex = "Example Press"}
A comment between entries.
@article{Smith2023,
  author = {Smith, Ann and {Doe Ltd and Sons} and M{\"u}ller, Jr, Hans},
  title = "The {\v C}ase of \'Elan --- a \emph{study}",
  journal = ex # { House}, year = 2023, month = nov, doi = {10.1000/xyz_1}
}
@book(doe-2019, title = {B}, publisher = {P}, date = {2019-05~})
"""
RIS = """TY  - JOUR
AU  - Smith, Ann
TI  - A title
  that goes on
T2  - A Journal
DA  - 2023/11/15/
UR  - https://example.org/a
ER  -
"""
CSL = json.dumps(
    [
        {
            "id": "smith2023",
            "type": "article-newspaper",
            "title": "More <i>gas</i>",
            "container-title": "Example News",
            "author": [{"family": "Smith", "given": "Ann"}],
            "issued": {"date-parts": [["2023", 11, "15"]]},
            "URL": "https://news.example.org/gas",
        },
        {
            "id": "doe2019",
            "type": "report",
            "title": "Pipes",
            "issued": {"date-parts": [[2019, 5]], "circa": True},
        },
    ]
)


def test_what_libraries_write_is_read() -> None:
    """Names in reading order, accents as letters, dates as precise as they are."""
    expected: Mapping[tuple[str, str], list[Json]] = {
        ("bib", BIB): [
            {
                "title": "The Čase of Élan — a study",
                "publisher": "Example Press House",
                "author": "Ann Smith; Doe Ltd and Sons; Hans Müller Jr",
                "url": "https://doi.org/10.1000/xyz_1",
                "published": "2023-11",
            },
            {
                "id": "doe-2019",
                "title": "B",
                "publisher": "P",
                "published": "2019-05~",
                "kind": "book",
            },
        ],
        ("ris", RIS): [
            {
                "title": "A title that goes on",
                "publisher": "A Journal",
                "author": "Ann Smith",
                "url": "https://example.org/a",
                "published": "2023-11-15",
            }
        ],
        ("csl", CSL): [
            {
                "id": "smith2023",
                "title": "More gas",
                "publisher": "Example News",
                "author": "Ann Smith",
                "url": "https://news.example.org/gas",
                "published": "2023-11-15",
                "kind": "news",
            },
            {"id": "doe2019", "title": "Pipes", "published": "2019-05~", "kind": "report"},
        ],
    }

    def check(case: tuple[str, str]) -> None:
        name, file = case
        assert [line.document for line in read(name, file)] == expected[case]
        assert sniff_format(file.encode()) == {"csl": "json"}.get(name, name)

    check_each(expected, check)
    assert [line.document for line in read("json", CSL)] == expected["csl", CSL]


FAULTS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("bib", "@misc{x, title={a, year=2000}"): (
        "entry",
        "'' is no field such as title = {…}; is a brace missing?",
    ),
    ("bib", "@misc{x, title=gas}"): ("title", "'gas' is neither in braces nor a @string"),
    ("bib", "@misc{x, year={2023}, month=2, day={30}}"): ("date", "2023-02-30"),
    ("bib", "no entry"): ("file", "holds no entry such as @book{key, title = {…}}"),
    ("ris", "TI  - A"): ("TI", "stands before TY, which begins a reference"),
    ("ris", "TY  - NEWS\nTI  - A"): ("TY", "ends without ER  -; the file is not whole"),
    ("ris", "hello"): ("file", "is not RIS: a reference begins with a line such as TY  - NEWS"),
    ("ris", "TY  - NEWS\nDA  - 2023/13//\nER  - "): ("DA", "2023-13"),
    ("csl", "[1]"): ("body", "is not a JSON object; each item is a source"),
    ("csl", '[{"type": "book", "title": ["a"]}]'): ("title", "is not a text"),
    ("csl", '[{"type": "book", "issued": {"date-parts": [["x"]]}}]'): (
        "issued",
        "`date-parts` are numbers: year, month, day",
    ),
    ("csl", '[{"type": "book", "author": "Ann"}]'): (
        "author",
        'is not a list of names such as {"family": "Smith"}',
    ),
}


def test_a_reference_that_cannot_be_read_is_one_fault() -> None:
    """It names the field as in the file."""

    def check(case: tuple[str, str]) -> None:
        (fault,) = one(*case).faults
        name, message = FAULTS[case]
        assert fault.name == name
        assert message in fault.message

    check_each(FAULTS, check)


def test_what_no_source_has_a_place_for_is_named() -> None:
    """As often as it is left out."""
    rows = {
        (
            "bib",
            "@misc{x, title={A}, volume=3}",
        ): "volume is left out: a source has no place for it",
        (
            "ris",
            "TY  - GEN\nTI  - A\nKW  - x\nER  - ",
        ): "KW is left out: a source has no place for it",
        (
            "csl",
            '[{"type": "document", "title": "A", "page": "1"}]',
        ): "page is left out: a source has no place for it",
        ("csl", '[{"type": "article-journal", "title": "A"}]'): "type article-journal is left out:"
        " there is no such kind of source",
        (
            "bib",
            "@misc{x, title={A}, year={in press}}",
        ): "year is left out where it is only in words: 'in press'",
        (
            "ris",
            "TY  - GEN\nTI  - A\nLA  - English\nER  - ",
        ): "the language 'English' is left out: it is not a tag such as en or sr-Latn",
    }

    def check(case: tuple[str, str]) -> None:
        assert one(*case).notes == (rows[case],)

    check_each(rows, check)


def test_a_long_hostile_file_is_read_in_no_time() -> None:
    """Each reader takes time in proportion to the length."""
    files: list[tuple[str, Any]] = [
        ("bib", "@a{x, t={" * 20_000),
        ("bib", "@" * 200_000),
        ("bib", "@a{x, t=" + "{" * 200_000),
        ("bib", "@a{x, author={" + " and" * 50_000 + "}}"),
        ("bib", "@a{x, t={" + "\\'" * 100_000 + "}}"),
        ("ris", "TY  - \n" + "x\n" * 100_000),
        ("ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nA" + ";a=b" * 100_000 + "\n"),
    ]

    def check(case: tuple[str, str]) -> None:
        read(*case)

    check_each(files, check)
