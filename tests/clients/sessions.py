"""What a session of a generated client sees, and how the guide says that clients are made."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caches import SECONDS
from servers import Server

ROOT = Path(__file__).parent.parent.parent
CLIENTS = (ROOT / "docs" / "clients.md").read_text("utf-8")
BASE = "http://127.0.0.1:8000"

# A step of session.py and of session.ts, and what it sees of the example chronology.
STEPS: Mapping[str, Any] = {
    "filtered": [
        ["aliyev-visit-belgrade-2023", "2023", "possible", 3],
        ["serbia-azerbaijan-gas-contract", "2023-11", "certain", 3],
        ["serbia-azerbaijan-artillery-contract", "[..2024-02-06]", "possible", 2],
    ],
    "sparse": [
        "Srbijagas and SOCAR signed gas supply contract",
        "Serbia agreed to sell NORA B-52 howitzers to Azerbaijan",
    ],
    "misspelt": [422, "/problems/invalid-parameters", [["date", None]]],
    "copied": [[0, 0, 33], [0, 0, 33], [0, 0, 0]],
    "created": [
        "2024-03-talks-about-more-gas-in-belgrade",
        "in March",
        ["Example News", None],
    ],
    "corrected": [2, "12 March 2024", "completed"],
    "stale": [412, "/problems/precondition-failed", []],
    "refused": [422, "/problems/invalid-body", [["date.edtf", None]]],
    "revisions": [["update", "The day is known"], ["create", None]],
    "first revision": "2024-03",
    "changes": [["create", 1, "2024-03"], ["update", 2, "2024-03-12"], ["delete", 3, None]],
    "deleted": 204,
    "gone": [410, "/problems/gone", []],
}


@dataclass(frozen=True)
class Running:
    """A server over the example chronology, and a key that may write."""

    server: Server
    key: str

    def told(self, language: str) -> str:
        """Return the guide's block in this language, for this server."""
        (block,) = re.findall(rf"```{language}\n(.*?)```", CLIENTS, re.DOTALL)
        return str(block).replace(BASE, self.server.url)

    def command(self, program: str) -> str:
        """Return the guide's command that makes a client."""
        blocks = re.findall(r"```sh\n(.*?)```", CLIENTS, re.DOTALL)
        (command,) = (block.strip() for block in blocks if program in block)
        return str(command).replace(BASE, self.server.url)

    @property
    def events(self) -> list[str]:
        """The ids of all events, in timeline order."""
        return [event["id"] for event in self.server.ask("/events?limit=200").json()["items"]]


def run(
    command: str | Sequence[str | Path], folder: Path, *, path: Path, **environs: str
) -> "subprocess.CompletedProcess[str]":
    """A command in a folder, with the programs of `path`."""
    return subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}", **environs},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def seen(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """What a session tells."""
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
