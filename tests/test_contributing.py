"""CONTRIBUTING.md is true: what it names exists, and its worked examples work to the letter."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from documented import ROOT, section, text_of
from tables import check_each

CONTRIBUTING = text_of("CONTRIBUTING.md")
BLOCK = re.compile(r"^```(diff|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HUNK = re.compile(r"^@@ (\S+)\n((?:[ +-].*\n|\n)+)", re.MULTILINE)
EXAMPLES = ("Worked example: add a filter", "Worked example: add a format")
PYTEST = ".venv/bin/pytest "
SECONDS = 900


def steps(heading: str) -> Iterator[tuple[str, str]]:
    """Yield the changes and commands of a worked example, in order."""
    for kind, block in BLOCK.findall(section(CONTRIBUTING, heading)):
        if kind == "diff":
            hunks = HUNK.findall(block)
            assert "".join(f"@@ {name}\n{lines}" for name, lines in hunks) == block
            yield from hunks
        else:
            yield from (("", command) for command in block.splitlines())


def change(folder: Path, name: str, lines: str) -> None:
    """Change a file as a hunk says; its lines without `+` must be there exactly once."""
    path = folder / name
    marked = lines.splitlines(keepends=True)
    before = "".join(line[1:] for line in marked if line[0] != "+")
    after = "".join(line[1:] for line in marked if line[0] != "-")
    if before:
        text = path.read_text(encoding="utf-8")
        assert f"\n{text}".count(f"\n{before}") == 1, f"{name} does not have once:\n{before}"
        after = f"\n{text}".replace(f"\n{before}", f"\n{after}")[1:]
    else:
        assert not path.exists(), name
    path.write_text(after, encoding="utf-8")


def call(folder: Path, command: str) -> None:
    """Run a command in a copy of the checkout, whose packages are those of this run."""
    if command.startswith(PYTEST):
        command = f"{sys.executable} -m pytest -q -n0 {command.removeprefix(PYTEST)}"
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    environment.pop("REQUIRED_IN_TESTS", None)  # it needs --all
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**environment, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the files of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("left out: this is no checkout of git")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.slow  # each command begins a run of pytest
@pytest.mark.parametrize("heading", EXAMPLES)
def test_a_worked_example_works(checkout: Path, heading: str) -> None:
    """Each change fits the checkout, the tests that it names pass, and the linters."""
    for name, text in steps(heading):
        if name:
            change(checkout, name, text)
        else:
            call(checkout, text)
    for check in ("check .", "format --check ."):
        call(checkout, f"{sys.executable} -m ruff {check}")


@pytest.mark.parametrize("heading", EXAMPLES)
def test_a_worked_example_fits_the_code(checkout: Path, heading: str) -> None:
    """So that the quick tier notices code that moved."""
    for name, text in steps(heading):
        if name:
            change(checkout, name, text)


def test_the_next_migration_is_the_next() -> None:
    """The number in the text is the one after the newest in the repository."""
    newest = max(path.name[:4] for path in (ROOT / "migrations/versions").glob("[0-9]*.py"))
    following = f"{int(newest) + 1:04}"
    assert f"--rev-id {following} " in CONTRIBUTING
    assert f'+revision = "{following}"\n+down_revision = "{newest}"\n' in CONTRIBUTING


def test_what_is_named_exists() -> None:
    """Every file outside the changes, and every test."""
    prose = re.sub(r"^```diff\n.*?^```$", "", CONTRIBUTING, flags=re.DOTALL | re.MULTILINE)
    added = {name for heading in EXAMPLES for name, _ in steps(heading) if name}
    named = re.findall(r"\b((?:app|tests|docs|migrations)/[\w/.-]*\w)(?:::(\w+))?", prose)
    assert len(named) > 20

    def check(place: tuple[str, str]) -> None:
        path, test = place
        assert (ROOT / path).exists() or path in added
        assert not test or f"\ndef {test}(" in text_of(path)

    check_each(sorted(set(named)), check)
