"""What a release consists of: a wheel that is whole by itself, checksums, a bill of materials."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app import __version__
from app.api.guides import GUIDES
from servers import environment, launched
from stores import left_out

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
SECONDS = 500
EVENTS = 33  # in the example chronology


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that `.ci/release` fills."""
    folder = tmp_path_factory.mktemp("release") / "dist"
    ran = subprocess.run(
        [str(ROOT / ".ci" / "release"), str(folder)],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if "No matching distribution" in ran.stderr or "ConnectionError" in ran.stderr:
        left_out("pip", f"pip cannot install the locked dependencies:\n{ran.stderr}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(release: Path) -> Path:
    """Return the wheel of a release."""
    (found,) = release.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder `bin` of an environment with the wheel and its dependencies alone."""
    folder = tmp_path_factory.mktemp("alone") / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    pip = (sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"))
    run(*pip, "install", "-q", "--require-hashes", "-r", str(ROOT / "requirements.lock"))
    run(*pip, "install", "-q", "--no-deps", "--no-index", str(wheel))
    return folder / "bin"


def outside(database_url: str | None = None) -> dict[str, str]:
    """Return an environment in which Python does not find the checkout."""
    return {name: v for name, v in environment(database_url).items() if name != "PYTHONPATH"}


def run(*command: str, database_url: str | None = None) -> str:
    """Return what a command prints, run outside the checkout; fail if it fails."""
    ran = subprocess.run(
        command,
        env=outside(database_url),
        cwd="/",
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_wheel_holds_every_file_of_the_program(wheel: Path) -> None:
    """Migrations, templates and the example chronology too, the guides it serves, and no tests."""
    packages = ("app", "migrations", "seed")
    files = {
        str(path.relative_to(ROOT))
        for package in packages
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    files |= {f"app/guides/{name}.md" for name in GUIDES}
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == files


def test_the_wheel_seeds_serves_and_exports_by_itself(alone: Path, tmp_path: Path) -> None:
    """In an environment and a folder that know nothing of the checkout."""
    url = f"sqlite:///{tmp_path}/chronology.db"
    dateline = str(alone / "dateline")
    run(dateline, "seed", database_url=url)
    with launched([dateline, "serve", "--port", "0"], outside(url), url) as server:
        answer = server.ask("/events?limit=200").json()
        assert answer["total"] == len(answer["items"]) == EVENTS
        assert b"<html" in server.ask("/", {"Accept": "text/html"}).body
        assert server.ask("/openapi.json").json()["info"]["version"] == __version__
    lines = run(dateline, "export", "ndjson", database_url=url).splitlines()
    assert len(lines) == EVENTS


def test_the_checksums_are_those_of_the_files(release: Path) -> None:
    """Of each file of the release but their own."""
    lines = [line.split("  ") for line in (release / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert set(sums) == {path.name for path in release.iterdir()} - {"SHA256SUMS"}
    assert {Path(name).suffix for name in sums} == {".whl", ".gz", ".json"}
    for name, digest in sums.items():
        assert hashlib.sha256((release / name).read_bytes()).hexdigest() == digest


def locked() -> dict[str, str]:
    """Return the locked packages that this platform needs, with their versions."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    lines = re.findall(r"^([a-z0-9][^\\\n]*?) *\\?$", text, re.MULTILINE)
    wanted = [Requirement(line) for line in lines]
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in wanted
        if one.marker is None or one.marker.evaluate()
    }


def test_the_bill_names_every_locked_package(release: Path) -> None:
    """With version and licence, and says what needs what; it holds no path of a machine."""
    text = (release / "sbom.cdx.json").read_text()
    bill = json.loads(text)
    own = bill["metadata"]["component"]
    assert (own["name"], own["version"]) == ("dateline", __version__)
    components = {canonicalize_name(one["name"]): one for one in bill["components"]}
    assert {name: one["version"] for name, one in components.items()} == locked()
    without = [name for name, one in components.items() if not one.get("licenses")]
    assert without == []
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert any(ref.startswith("fastapi==") for ref in needs[own["bom-ref"]])
    assert "file:" not in text
    assert str(release.parent) not in text
