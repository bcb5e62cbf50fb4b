"""The guides are right: each request gives the answer that stands below it."""

import os
import re
import shutil
import signal
import tomllib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.api.guides import GUIDES as GUIDES_SERVED
from commands import forked_server
from documented import ROOT, agrees, differing, run_in_shell, steps_in, text_of, wrong
from servers import environment
from stores import SqliteStores, free_port, left_out, migrated, postgresql_programs, seeded

GUIDES = ("dashboards", "analysts", "curators")
FROM_NOTHING = ("curators",)  # the others ask the example chronology
DOCUMENTS = [
    *(path.name for path in ROOT.glob("*.md")),
    *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


@pytest.mark.parametrize("guide", GUIDES)
def test_each_request_gives_the_answer_shown(seeded_store: str, tmp_path: Path, guide: str) -> None:
    """All of a guide, one after the other in one shell, against a real server."""
    store = migrated(SqliteStores(tmp_path)) if guide in FROM_NOTHING else seeded_store
    with forked_server(store) as server:
        assert differing(text_of(f"docs/{guide}.md"), server, tmp_path) == []


def test_the_start_leads_to_a_first_event(tmp_path: Path) -> None:
    """From an empty store to an answer; the server starts where the guide says so."""
    before, after = text_of("docs/start.md").split("## The server")
    answers = run_in_shell(f"{before}\n```sh\necho $KEY\n```\n", environment(), tmp_path)
    assert wrong(before, answers[:-1]) == []
    with forked_server(f"sqlite:///{tmp_path}/mine.db") as server:
        key = f"```sh\nKEY={answers[-1].strip()}\n```\n"
        assert differing(key + after, server, tmp_path) == []


def test_the_way_to_several_servers_leads_there(postgresql: str | None, tmp_path: Path) -> None:
    """From the example chronology in a file to two servers behind nginx, on other ports."""
    if postgresql is None:
        left_out("postgresql", "PostgreSQL is not installed on this machine")
        raise AssertionError
    if shutil.which("nginx") is None:
        left_out("nginx", "nginx is not installed on this machine")
    seeded(SqliteStores(tmp_path), migrated(SqliteStores(tmp_path)))
    (tmp_path / "0.db").rename(tmp_path / "dateline.db")
    port = postgresql.rpartition(":")[2]
    text = text_of("docs/servers.md").replace("127.0.0.1/", f"127.0.0.1:{port}/")
    for shown in ("8000", "8001", "8002"):
        text = text.replace(shown, str(free_port()))
    programs = postgresql_programs()
    environs = environment() | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": port,
        "PGUSER": "dateline",
        "PGDATABASE": "postgres",
    }
    try:
        said = run_in_shell(text, environs, tmp_path)
        assert "\n".join(wrong(text, said)) == ""
    finally:
        if (tmp_path / "nginx.pid").exists():
            os.kill(int((tmp_path / "nginx.pid").read_text()), signal.SIGTERM)


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
    prose = re.sub(r"^```.*?^```$", "", text_of(document), flags=re.DOTALL | re.MULTILINE)
    for path, anchor in LINK.findall(prose):
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), path
        headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.M) if anchor else []
        anchors = [
            re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings
        ]
        assert not anchor or anchor in anchors, f"{path}#{anchor}"


def test_the_server_has_the_guides(client: TestClient) -> None:
    """The reference links to them, as text; a wheel takes the same ones along."""
    linked = re.findall(r'href="(docs/\w+\.md)"', client.get("/docs").text)
    assert linked == [f"docs/{name}.md" for name in GUIDES_SERVED]
    for path in linked:
        answer = client.get(f"/{path}")
        assert (answer.status_code, answer.text) == (200, text_of(path))
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    packed = tomllib.loads(text_of("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    copies = {path: path.replace("docs/", "app/guides/") for path in linked}
    assert packed["force-include"] == copies
    refused = client.get("/docs/operate.md")
    assert (refused.status_code, refused.json()["status"]) == (404, 404)


@pytest.mark.parametrize("name", [path.name for path in (ROOT / "docs").glob("*.md")])
def test_every_document_is_found_from_the_readme(name: str) -> None:
    """By a link."""
    assert f"](docs/{name})" in text_of("README.md")
