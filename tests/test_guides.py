"""The guides are right: each request gives the answer that stands below it."""

import re
from pathlib import Path

import pytest

from documented import ROOT, agrees, differing, steps_in, text_of
from servers import serving

GUIDES = ("dashboards", "analysts", "curators")
DOCUMENTS = ["README.md", "CHANGELOG.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


@pytest.mark.parametrize("guide", GUIDES)
def test_each_request_gives_the_answer_shown(seeded_store: str, tmp_path: Path, guide: str) -> None:
    """All of a guide, one after the other in one shell, against a real server."""
    with serving(seeded_store) as server:
        assert differing(text_of(f"docs/{guide}.md"), server, tmp_path) == []


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_shows_what_it_asks(guide: str) -> None:
    """No request without its answer."""
    shown = [step for step in steps_in(text_of(f"docs/{guide}.md")) if "curl" in step.command]
    assert len(shown) >= 6
    assert [step.command for step in shown if step.answer is None] == []


@pytest.mark.parametrize(
    ("shown", "found", "same"),
    [
        ('{"a": 1}', '{"a":1}\n', True),
        ('{"a": 1}', '{"a": 1, "b": 2}', False),
        ('{"at": "…"}', '{"at": "2026-11-25"}', True),
        ('{"at": "…"}', '{"at": null}', False),
        ("[1, 2]", "[1]", False),
        ("made …", "made 2026-11-25\n", True),
        ("made", "made 2026-11-25", False),
    ],
)
def test_what_agrees(shown: str, found: str, same: bool) -> None:
    """The whole answer; only an ellipsis leaves anything open."""
    assert agrees(shown, found) is same


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    """To a file of this repository, and to a heading of it."""
    for path, anchor in LINK.findall(text_of(document)):
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), path
        headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.M) if anchor else []
        anchors = [
            re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings
        ]
        assert not anchor or anchor in anchors, f"{path}#{anchor}"


@pytest.mark.parametrize("name", [path.name for path in (ROOT / "docs").glob("*.md")])
def test_every_document_is_found_from_the_readme(name: str) -> None:
    """By a link."""
    assert f"](docs/{name})" in text_of("README.md")
