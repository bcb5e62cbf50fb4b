"""What openapi-python-client makes of the API is a typed package that completes a session."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clients.sessions import ROOT, STEPS, Running, run, seen
from venvs import programs

pytestmark = pytest.mark.slow

GENERATOR = "openapi-python-client==0.29.1"
SESSION = Path(__file__).with_name("session.py")
PACKAGE = "dateline-client"


@pytest.fixture(scope="module")
def tools() -> Path:
    """The generator's programs, and a Python that has what its clients need."""
    return programs(GENERATOR)


@pytest.fixture(scope="module")
def generated(running: Running, folder: Path, tools: Path) -> "subprocess.CompletedProcess[str]":
    """The guide's command, done against the server."""
    (folder / "tests").symlink_to(ROOT / "tests")
    return run(running.command("openapi-python-client"), folder, path=tools)


@pytest.fixture(scope="module")
def session(
    running: Running, folder: Path, tools: Path, generated: "subprocess.CompletedProcess[str]"
) -> dict[str, Any]:
    """What session.py sees with the generated client."""
    assert generated.returncode == 0, generated.stderr
    command: list[Path | str] = [tools / "python", SESSION, running.server.url, running.key]
    return seen(run(command, folder, path=tools, PYTHONPATH=PACKAGE))


def types_of(folder: Path, tools: Path, *checked: Path | str) -> str:
    """What mypy says of these files, which stand beside the generated package."""
    strict: list[Path | str] = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--no-error-summary",
    ]
    python: list[Path | str] = [
        "--python-executable",
        tools / "python",
        "--cache-dir",
        folder / "mypy",
    ]
    done = run([*strict, *python, *checked], folder, path=tools, MYPYPATH=str(folder / PACKAGE))
    return done.stdout + done.stderr


def test_it_is_generated_without_a_warning(
    generated: "subprocess.CompletedProcess[str]", folder: Path
) -> None:
    """Every operation is there, and the generator has nothing to say."""
    told = (generated.returncode, generated.stdout, generated.stderr)
    assert told == (0, f"Generating {folder / PACKAGE}\n", "")


@pytest.mark.usefixtures("generated")
def test_package_and_session_are_well_typed(folder: Path, tools: Path) -> None:
    """In mypy's strict mode: what a user writes is checked down to the members of a source."""
    assert types_of(folder, tools, f"{PACKAGE}/dateline_client", SESSION) == ""


@pytest.mark.usefixtures("generated")
@pytest.mark.parametrize(
    ("slip", "told"),
    [
        ('list_events.sync(client=client, tpye=["contract"])', '"tpye"'),
        ('list_events.sync(client=client, match="sure")', '"match"'),
        ('EventPatch(titel="More gas")', '"titel"'),
        ("event.date.edft", '"edft"'),
    ],
)
def test_a_slip_is_found_by_the_type_checker(
    folder: Path, tools: Path, slip: str, told: str
) -> None:
    """An unknown parameter or member, a word that is none of a closed list."""
    script = folder / "slip.py"
    script.write_text(
        "from dateline_client import Client\n"
        "from dateline_client.api.events import list_events\n"
        "from dateline_client.models import Event, EventPatch\n"
        f"def slip(client: Client, event: Event) -> None:\n    {slip}\n"
    )
    error, *_ = types_of(folder, tools, script).splitlines()
    assert "slip.py:5: error:" in error
    assert told in error


@pytest.mark.parametrize("step", STEPS)
def test_a_session_completes(session: dict[str, Any], step: str) -> None:
    """Each step sees what the server did."""
    assert session[step] == STEPS[step]


def test_following_the_pages_gives_every_event_once(
    session: dict[str, Any], running: Running
) -> None:
    """In timeline order."""
    assert session["every"] == running.events


@pytest.mark.usefixtures("generated")
def test_what_the_readme_shows_runs(running: Running, folder: Path, tools: Path) -> None:
    """And is well typed."""
    script = folder / "shown.py"
    script.write_text(running.told("python"))
    assert types_of(folder, tools, script) == ""
    done = run([tools / "python", script], folder, path=tools, PYTHONPATH=PACKAGE)
    assert done.stdout.splitlines()[0] == "certain November 2023 Balkan Insight", done.stderr
