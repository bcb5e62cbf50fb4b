"""The served OpenAPI document is one that Spectral has nothing to say of."""

import json
import subprocess
from pathlib import Path

import pytest

from caches import SECONDS
from node import packages
from reference import DOCUMENT

pytestmark = pytest.mark.slow

SPECTRAL = "@stoplight/spectral-cli@6.16.3"
RULES = Path(__file__).with_name("spectral.yaml")


def test_spectral_finds_nothing(tmp_path: Path) -> None:
    """No error, no warning, no information, no hint."""
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    linted = subprocess.run(
        [
            str(packages(SPECTRAL) / ".bin" / "spectral"),
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
