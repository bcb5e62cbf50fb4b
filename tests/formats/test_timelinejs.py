"""TimelineJS 3: slides as its makers document them, and the slides that are written here."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.formats import READERS, Line, sniff_format
from app.formats.markup import preserve_text, read_html
from formats.documents import RAW, Json, date, event, file_of, source
from tiers import everything

# A slide with every member that https://timeline.knightlab.com/docs/json-format.html knows.
DOCUMENTED: Json = {
    "start_date": {
        "year": "2016",
        "month": "03",
        "day": "15",
        "hour": "14",
        "minute": "30",
        "second": "",
        "millisecond": "",
        "display_date": "",
        "format": "",
    },
    "end_date": {"year": 2016, "month": 4},
    "text": {"headline": "<i>Gas</i> contract &amp; more", "text": "<p>One.</p>\n<p>Two.</p>"},
    "media": {
        "url": "https://example.org/a.jpg",
        "caption": "",
        "credit": "",
        "thumbnail": "",
        "alt": "",
        "title": "",
        "link": "",
        "link_target": "",
    },
    "group": "energy",
    "display_date": "",
    "background": {"url": "", "color": "#0f9bd1"},
    "autolink": True,
    "unique_id": "gas-contract",
}


DAY: Json = {"year": 2016, "month": 3, "day": 5}


def read(timeline: Any) -> list[Line]:
    """The lines of a TimelineJS file."""
    return list(READERS["timelinejs"](io.BytesIO(json.dumps(timeline).encode())))


def slide(**members: Any) -> Line:
    """A slide that holds these members, and all that it must hold."""
    plain = {"start_date": {"year": 2016}, "text": {"headline": "A contract"}, **members}
    (line,) = read({"events": [plain]})
    return line


def shown(*events: Json) -> list[Json]:
    """The slides that these events make."""
    file = file_of("timelinejs", events)
    slides: list[Json] = json.loads(file)["events"]
    return slides


# -- reading --------------------------------------------------------------------------------------


def test_a_summary_may_say_what_the_headline_says() -> None:
    """It is kept; only what a slide without a headline took its title from is not said twice."""
    for headline, text, summary in (
        ("Gas", "Gas", "Gas"),
        ("Gas", "", None),
        ("", "Gas", None),
        ("", "Gas.<br>More", "Gas.\nMore"),
    ):
        found = slide(text={"headline": headline, "text": text}).document
        assert (headline or found["title"], found.get("summary")) == (found["title"], summary)


def test_a_documented_slide_is_an_event() -> None:
    """Its type and its sources are left to whoever imports it."""
    assert slide(**DOCUMENTED) == Line(
        1,
        {
            "id": "gas-contract",
            "title": "Gas contract & more",
            "summary": "One.\nTwo.",
            "date": {"edtf": "2016-03-15T14:30/2016-04"},
            "tags": ["energy"],
            "media": [{"url": "https://example.org/a.jpg", "kind": "image"}],
        },
        notes=tuple(
            f"{name} is left out: an event has no place for it"
            for name in ("background", "autolink")
        ),
    )


def test_what_belongs_to_no_event_is_noted_at_the_first() -> None:
    """A title slide and eras are no events, and do not vanish unsaid."""
    event = {"start_date": {"year": 2016}, "text": {"headline": "A"}}
    eras = [{"start_date": {"year": 2015}, "end_date": {"year": 2016}}]
    first, second = read({"title": event, "eras": eras, "scale": "human", "events": [event, event]})
    assert first.notes == (
        "title is left out: no event stands behind it",
        "eras is left out: no event stands behind it",
    )
    assert (second.number, second.notes) == (2, ())


@pytest.mark.parametrize(
    ("start", "end", "edtf"),
    [
        ({"year": 2016}, None, "2016"),
        ({"year": "2016", "month": "3", "day": ""}, {}, "2016-03"),
        ({"year": 2016, "month": 3, "day": 5}, {"year": ""}, "2016-03-05"),
        ({"year": 2016, "month": 3}, {"year": 2017}, "2016-03/2017"),
        ({"year": 2016, "month": 3}, {"year": 2016, "month": "03"}, "2016-03"),
        ({"year": 800}, None, "0800"),
        ({"year": -44, "month": 3, "day": 15}, None, "-0043-03-15"),
        ({"year": -1}, {"year": 1}, "0000/0001"),
        ({"year": -10_000}, {"year": 9999}, "-9999/9999"),
        ({**DAY, "hour": 14}, None, "2016-03-05T14:00"),
        ({**DAY, "hour": 0, "minute": 5, "second": 9}, None, "2016-03-05T00:05:09"),
        ({**DAY, "hour": "14", "minute": "30", "millisecond": "0"}, DAY, "2016-03-05T14:30"),
        (
            {**DAY, "hour": 14},
            {**DAY, "hour": 16, "minute": 30},
            "2016-03-05T14:00/2016-03-05T16:30",
        ),
    ],
)
def test_a_date_is_as_precise_as_it_was_given(start: Json, end: Json | None, edtf: str) -> None:
    """Years before Christ are shown by TimelineJS as they are written: -44 as 44 BCE."""
    assert slide(start_date=start, end_date=end).document["date"] == {"edtf": edtf}


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"display_date": "<b>Mid</b> March"}, "Mid March"),
        ({"start_date": {"year": 2016, "display_date": "Spring"}}, "Spring"),
        (
            {"start_date": {"year": 2016, "display_date": "Then"}, "end_date": {"year": 2017}},
            "Then to 2017",
        ),
        ({"start_date": {"year": 2016, "hour": 0}}, "2016 00:00"),
        (
            {"start_date": {"year": 2016, "hour": 6, "minute": 5, "millisecond": 7}},
            "2016 06:05:00.007",
        ),
        (
            {"start_date": {"year": 2016, "month": 3, "day": 5, "hour": 6, "millisecond": 7}},
            "2016-03-05 06:00:00.007",
        ),
    ],
)
def test_what_no_date_can_hold_is_kept_as_its_text(members: Json, text: str) -> None:
    """Words, times of no day, and parts of a second."""
    assert slide(**members).document["date"]["text"] == text


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"start_date": None}, "start_date"),
        ({"start_date": "2016"}, "start_date"),
        ({"start_date": {"month": 3}}, "start_date.year"),
        ({"start_date": {"year": 2016, "day": 3}}, "start_date.month"),
        ({"start_date": {"year": 2016.5}}, "start_date.year"),
        ({"start_date": {"year": True}}, "start_date.year"),
        ({"start_date": {"year": "2016", "month": "March"}}, "start_date.month"),
        ({"start_date": {"year": 2016, "month": 2, "day": 30}}, "start_date"),
        ({"start_date": {"year": 2016}, "end_date": {"year": 2015}}, "start_date"),
        ({"end_date": {"year": 10_000}}, "end_date.year"),
        ({"start_date": {"year": -10_001}}, "start_date.year"),
        ({"start_date": {"year": 2016, "hour": "noon"}}, "start_date.hour"),
        ({"start_date": {"year": 2016, "month": 3, "day": 5, "hour": 25}}, "start_date"),
        ({"text": None}, "text.headline"),
        ({"text": {"headline": "<br>"}}, "text.headline"),
        ({"text": "A contract"}, "text"),
        ({"group": ["a"]}, "group"),
    ],
)
def test_a_slide_that_is_no_event_says_why(members: Json, name: str) -> None:
    """By its number, and the member that is wrong."""
    line = slide(**members)
    assert (line.document, [(fault.name, fault.line) for fault in line.faults]) == ({}, [(name, 1)])


@pytest.mark.parametrize(
    ("timeline", "name"),
    [
        (7, "events"),
        ({"slides": []}, "events"),
        ({"events": {}}, "events"),
        ({"events": [], "scale": "cosmological"}, "scale"),
    ],
)
def test_what_is_no_timeline_is_one_fault(timeline: Any, name: str) -> None:
    """Of the whole file, so without a line."""
    (line,) = read(timeline)
    assert [(fault.name, fault.line) for fault in line.faults] == [(name, None)]
    (line,) = READERS["timelinejs"](io.BytesIO(b"{"))
    assert [fault.name for fault in line.faults] == ["file"]


def test_an_id_that_is_none_here_and_a_link_are_noted() -> None:
    """Both are left out."""
    line = slide(unique_id="Gas contract!", text={"headline": "A", "text": "<a href='x'>B</a>"})
    assert line.document == {"title": "A", "summary": "B", "date": {"edtf": "2016"}}
    assert [note.partition(" is ")[0].partition(" in ")[0] for note in line.notes] == [
        *("links", "unique_id")
    ]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ANYTHING = st.recursive(
    SCALARS | st.sampled_from(("2016", 3, "<b>x", "[..2016]", "<![x")),
    lambda parts: (
        st.lists(parts, max_size=2)
        | st.dictionaries(st.sampled_from(("year", "month", "day", "hour", "headline")), parts)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from((*DOCUMENTED, "edtf")), ANYTHING))
def test_no_slide_is_an_exception(members: Json) -> None:
    """Whatever its members hold."""
    line = slide(**members)
    assert line.document or line.faults


# -- writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edtf", "start", "end"),
    [
        ("2023-11", {"year": 2023, "month": 11}, None),
        ("2023-11-05~", {"year": 2023, "month": 11, "day": 5}, None),
        ("2023-11/2024", {"year": 2023, "month": 11}, {"year": 2024}),
        ("2023/..", {"year": 2023}, None),
        ("../2023-05", {"year": 2023, "month": 5}, None),
        ("[..2024-02-06]", {"year": 2024, "month": 2, "day": 6}, None),
        ("199X", {"year": 1990, "month": 1, "day": 1}, {"year": 1999, "month": 12, "day": 31}),
        (
            "2023-33/2024-02",
            {"year": 2023, "month": 1, "day": 1},
            {"year": 2024, "month": 2},
        ),
        ("-0043-03-15", {"year": -44, "month": 3, "day": 15}, None),
        ("0000", {"year": -1}, None),
        (
            "2023-11-05T14:30:05+01:00",
            {"year": 2023, "month": 11, "day": 5, "hour": 14, "minute": 30, "second": 5},
            None,
        ),
        (
            "2023-11-05T00:00Z/2023-11",
            {"year": 2023, "month": 11, "day": 5, "hour": 0, "minute": 0},
            {"year": 2023, "month": 11},
        ),
    ],
)
def test_a_slide_has_as_much_of_the_date_as_it_can_hold(
    edtf: str, start: Json, end: Json | None
) -> None:
    """In words and exactly it stands beside."""
    known = date(edtf, "what the source said")
    (found,) = shown(event(date=known))
    assert (found["start_date"], found.get("end_date")) == (start, end)
    assert (found["display_date"], found["edtf"]) == (known["label"], edtf)


def test_a_slide_is_text_and_not_markup() -> None:
    """Whoever wrote the event writes nothing else into the page."""
    hostile = "<script>\"&'"
    escaped = "&lt;script&gt;&quot;&amp;&#x27;"
    url = 'https://example.org/"><script>'
    cited = [
        source(id="a", publisher=hostile, published="2023-11", url=url),
        source(id="b", title="T", role="context", url="javascript:alert(1)"),
        source(id="c"),
    ]
    (found,) = shown(event(title=hostile, summary=hostile, sources=cited))
    assert found["text"] == {
        "headline": escaped,
        "text": f'<div class="dateline-text" style="white-space: pre-line">{escaped}</div>'
        '<ul class="dateline-sources">'
        '<li><a href="https://example.org/&quot;&gt;&lt;script&gt;">'
        f"{escaped}, November 2023</a></li><li>unknown publisher, T (context)</li>"
        "<li>unknown publisher</li></ul>",
    }
    assert (found["unique_id"], found["group"], found["autolink"]) == (
        *("gas-contract", "contract"),
        False,
    )


def test_a_date_that_was_changed_in_a_slide_counts() -> None:
    """Our own member, and its label, are then those of another date."""
    (found,) = shown(event())
    (line,) = read({"events": [{**found, "start_date": {"year": 2024}}]})
    assert line.document["date"] == {"edtf": "2024"}
    assert line.notes == ("edtf is left out: it is not the date of start_date and end_date",)
    (line,) = read({"events": [{**found, "display_date": "Late autumn"}]})
    assert line.document["date"] == {"edtf": "2023-11", "text": "Late autumn"}
    (line,) = read({"events": [{**found, "edtf": "tomorrow"}]})
    assert line.document["date"]["edtf"] == "2023-11"


# -- markup ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a <b>b</b>\n  c&nbsp;&eacute;&#33;", "a b c é!"),
        ("one<br>two<br/>\n<br />three", "one\ntwo\nthree"),
        ("<ul><li>a<li> b </ul>c", "a\nb\nc"),
        ("<p>a</div>b</p>", "a\nb"),
        ("<script>x</script><style>y</style>a<!-- <b>z</b> -->b<!-- c", "ab"),
        ("1 < 2 > 0 <3 &lt;b&gt;", "1 < 2 > 0 <3 <b>"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc"),
        ("<![if IE]>a<![endif]><!DOCTYPE x><?php y ?>b", "ab"),
        ("<img src=x>a<wbr>b", "ab"),
        ("<template><pre>x</pre></template>a", "a"),
        (" \n ", ""),
    ],
)
def test_html_is_read_as_a_browser_shows_it(html: str, text: str) -> None:
    """Blocks on lines of their own, other white space as one space."""
    assert read_html(html).text == text


@given(RAW.map("".join))
def test_a_kept_text_comes_back_to_the_letter(text: str) -> None:
    """Its white space too."""
    assert read_html(preserve_text(text) + '<ul class="dateline-sources"><li>x</ul>').text == text


@given(st.text("<>!-[]/a =\"'&;#\n", max_size=60))
def test_no_markup_is_an_exception(html: str) -> None:
    """However broken it is."""
    read_html(html)


@pytest.mark.parametrize(
    "html", ["<a ", "<!--", "<![x", "</", "<a b=", "<a></a", "<div>", "</p>", "<script>", "&#"]
)
def test_broken_markup_takes_no_square_of_the_time(html: str) -> None:
    """Each of these would take minutes, and a tenth of them in the quick tier."""
    times = 100_000 if everything() else 30_000
    read_html(html * times + "</p>" * times)


OLDER: Json = {
    "timeline": {
        "headline": "Gas",
        "type": "default",
        "text": "A history",
        "era": [{"startDate": "2010", "endDate": "2012"}],
        "date": [
            {
                "startDate": "2012,1,26",
                "endDate": "2012,2",
                "headline": "A <b>contract</b>",
                "text": "<p>Two firms signed it.</p>",
                "tag": "energy",
                "asset": {"media": "https://example.org/a.jpg", "caption": "A picture"},
            },
            {"startDate": "2012,3,1,14,30", "headline": "Talks"},
            {"startDate": "26 January 2012", "headline": "x"},
            {"headline": "y"},
        ],
    }
}


def test_the_older_json_is_read() -> None:
    """TimelineJS 1 and 2: dates with commas, tags and assets; a bad date is one fault."""
    first, second, third, fourth = read(OLDER)
    assert first.document == {
        "title": "A contract",
        "date": {"edtf": "2012-01-26/2012-02"},
        "summary": "Two firms signed it.",
        "tags": ["energy"],
        "media": [{"url": "https://example.org/a.jpg", "kind": "image", "caption": "A picture"}],
    }
    assert first.notes == (
        "title is left out: no event stands behind it",
        "eras is left out: no event stands behind it",
    )
    assert second.document["date"] == {"edtf": "2012-03-01T14:30"}
    assert [(line.faults[0].name, line.faults[0].message) for line in (third, fourth)] == [
        ("startDate", "'26 January 2012' is not a date such as 2012,1,26: year, month, day"),
        ("startDate", "is missing"),
    ]


def test_jsonp_is_read() -> None:
    """As TimelineJS 1 published it: a call, or an assignment."""
    for file in ("storyjs_jsonp_data = {};", "callback({});\n", "\ufeffa.b( {} )", "{}"):
        raw = file.replace("{}", json.dumps(OLDER)).encode()
        lines = list(READERS["json"](io.BytesIO(raw)))
        assert [line.document.get("title") for line in lines] == ["A contract", "Talks", None, None]
        assert sniff_format(raw) == "json"


def test_a_slide_without_a_headline_takes_its_title_elsewhere() -> None:
    """From its text, or the caption of its picture; without any it is one fault."""
    of_text = slide(text={"text": "<p>Two firms signed it in Baku. More followed.</p>"})
    assert of_text.document["title"] == "Two firms signed it in Baku."
    of_caption = slide(text={}, media={"url": "https://example.org", "caption": "The <i>dam</i>"})
    assert of_caption.document["title"] == "The dam"
    assert "a slide without a headline takes its title from its caption" in of_caption.notes
    bare = slide(text={})
    assert [fault.name for fault in bare.faults] == ["text.headline"]
