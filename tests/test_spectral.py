"""The served OpenAPI document is one that Spectral has nothing to say of."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reference import DOCUMENT
from stores import left_out

VERSION = "6.16.3"
RULES = Path(__file__).with_name("spectral.yaml")
SECONDS = 300


@pytest.fixture(scope="session")
def spectral(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Spectral's program, installed once into the user's cache."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        left_out("node", "Node.js and npm are not installed on this machine")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "dateline-tests" / f"spectral-{VERSION}"
    program = folder / "node_modules" / ".bin" / "spectral"
    if not program.exists():
        fresh = tmp_path_factory.mktemp("npm")
        wanted = [f"@stoplight/spectral-cli@{VERSION}", "--no-audit", "--no-fund"]
        installed = subprocess.run(
            [str(npm), "install", "--prefix", str(fresh), *wanted],
            cwd=fresh,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        if installed.returncode:
            left_out("node", f"npm cannot install Spectral:\n{installed.stderr}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(fresh, folder)
    return program


def test_spectral_finds_nothing(spectral: Path, tmp_path: Path) -> None:
    """No error, no warning, no information, no hint."""
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    linted = subprocess.run(
        [
            str(spectral),
            "lint",
            "--ruleset",
            str(RULES),
            "--quiet",
            "--format",
            "json",
            str(document),
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    found = json.loads(linted.stdout)
    assert [(finding["code"], finding["path"], finding["message"]) for finding in found] == []
    assert linted.returncode == 0
