"""What openapi-typescript makes of the API compiles strictly and completes a session."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from clients.sessions import STEPS, Running, run, seen
from node import packages

pytestmark = pytest.mark.slow

PACKAGES = (
    "openapi-typescript@7.13.0",
    "openapi-fetch@0.17.0",
    "typescript@5.9.3",
    "@types/node@20.19.43",
)
SESSION = Path(__file__).with_name("session.ts")
STRICT = ("--strict", "--target", "es2022", "--module", "esnext", "--types", "node")
BUNDLED = ("--moduleResolution", "bundler", "--pretty", "false")


@pytest.fixture(scope="module")
def project(running: Running, folder: Path) -> Path:
    """A project with the types that the guide's command makes from the server."""
    (folder / "node_modules").symlink_to(packages(*PACKAGES))
    (folder / "package.json").write_text(json.dumps({"type": "module"}))
    done = run(running.command("openapi-typescript"), folder, path=folder)
    assert done.returncode == 0, done.stderr
    return folder


def compiled(project: Path, source: str, *options: str) -> str:
    """What the compiler says of a script of the project."""
    (project / "script.ts").write_text(source)
    tsc = project / "node_modules" / ".bin" / "tsc"
    return run([tsc, *STRICT, *BUNDLED, *options, "script.ts"], project, path=project).stdout


def ran(project: Path, source: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A script of the project, compiled and run."""
    assert compiled(project, source) == ""
    return run(["node", "script.js", *arguments], project, path=project)


@pytest.fixture(scope="module")
def session(running: Running, project: Path) -> dict[str, Any]:
    """What session.ts sees with the generated types."""
    return seen(ran(project, SESSION.read_text(), running.server.url, running.key))


@pytest.mark.parametrize("step", STEPS)
def test_a_session_completes(session: dict[str, Any], step: str) -> None:
    """Each step sees what the server did."""
    assert session[step] == STEPS[step]


def test_following_the_pages_gives_every_event_once(
    session: dict[str, Any], running: Running
) -> None:
    """In timeline order."""
    assert session["every"] == running.events


# Where it says what it takes, TypeScript finds any slip; in a call's own braces, only one that
# leaves nothing right beside it: openapi-fetch infers the rest.
SLIPS = {
    'client.GET("/events", { params: { query: { tpye: ["contract"] } } });': "'tpye'",
    'client.GET("/events", { params: { query: { match: "sure" } } });': '"sure"',
    'const query: Query = { date: "2023", tpye: ["contract"] };': "'tpye'",
    'const body: Schemas["EventPatch"] = { status: "completed", titel: "More gas" };': "'titel'",
    '(event: Schemas["Event"]) => event.date.edft;': "'edft'",
}


@pytest.fixture(scope="module")
def complaints(project: Path) -> Mapping[str, str]:
    """What the compiler says of each slip."""
    right = (
        'import createClient from "openapi-fetch";',
        'import type { components, paths } from "./dateline";',
        'type Query = paths["/events"]["get"]["parameters"]["query"];',
        'type Schemas = components["schemas"];',
        "const client = createClient<paths>();",
    )
    said = compiled(project, "\n".join((*right, *SLIPS)), "--noEmit")
    found = re.findall(r"^script\.ts\((\d+),\d+\): error (.*)", said, re.MULTILINE)
    lines = {int(line) - len(right): error for line, error in found}
    return {slip: lines.get(line, "") for line, slip in enumerate(SLIPS, 1)}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_does_not_compile(complaints: Mapping[str, str], slip: str) -> None:
    """An unknown parameter or member, a word that is none of a closed list."""
    assert SLIPS[slip] in complaints[slip]


def test_what_the_readme_shows_runs(running: Running, project: Path) -> None:
    """And compiles."""
    done = ran(project, running.told("ts"))
    assert done.stdout.splitlines()[0] == "certain November 2023", done.stderr
