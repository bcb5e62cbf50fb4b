"""Runs what a document tells its readers to run, and compares what comes with what it shows."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers import DATELINE, SECONDS, Server, environment
from stores import left_out

ROOT = Path(__file__).parent.parent
ADDRESS = "http://127.0.0.1:8000"
# A command, and the answer that may stand right below it.
STEP = re.compile(
    r"^```sh\n(.*?)^```$(?:\n\n```(?:json|text)\n(.*?)^```$)?", re.DOTALL | re.MULTILINE
)
# A file: its name in a comment, then the block that it is.
FILE = re.compile(r"^<!-- (\S+\.\w+) -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# A command whose answer is not shown must succeed; one whose answer is shown may be refused.
CURL = 'curl() { command curl -sS ${strict:+--fail-with-body} "$@"; }'


@dataclass(frozen=True)
class Step:
    """A command of a document, and the answer that is shown for it."""

    command: str
    answer: str | None


def text_of(name: str) -> str:
    """A document, by its path from the top of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def files_in(text: str) -> Mapping[str, str]:
    """The files that a document gives, by name."""
    return dict(FILE.findall(text))


def steps_in(text: str) -> list[Step]:
    """Its commands, in order."""
    return [Step(command, answer or None) for command, answer in STEP.findall(text)]


def run(text: str, server: Server, folder: Path) -> list[str]:
    """What each command of a document says, with a server where it says that one is."""
    said = run_in_shell(text.replace(ADDRESS, server.url), environment(server.database_url), folder)
    return [found.replace(server.url, ADDRESS) for found in said]


def run_in_shell(text: str, environs: Mapping[str, str], folder: Path) -> list[str]:
    """What each command of a document says, all in one shell, in a folder with its files.

    What it leaves running is ended. AssertionError where the shell stops before the end.
    """
    if shutil.which("curl") is None:
        left_out("curl", "curl is not installed on this machine")
    for name, content in files_in(text).items():
        (folder / name).write_text(content, encoding="utf-8")
    script = [CURL, "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for step in steps_in(text):
        strict = "" if step.answer else "yes"
        script += [f"strict={strict}", step.command, r"printf '\0'"]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
        cwd=folder,
        env={**environs, "PATH": f"{DATELINE.parent}:{environs['PATH']}"},
        capture_output=True,
        text=True,
        timeout=3 * SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("\0")[:-1]


def differing(text: str, server: Server, folder: Path) -> list[str]:
    """The commands of a document that say something else than it shows, with what they say."""
    return wrong(text, run(text, server, folder))


def wrong(text: str, said: Sequence[str]) -> list[str]:
    """The commands of a document that have said something else than it shows, with what."""
    return [
        f"{step.command}{found}"
        for step, found in zip(steps_in(text), said, strict=True)
        if step.answer is not None and not agrees(step.answer, found)
    ]


def agrees(shown: str, found: str) -> bool:
    """Whether an answer is the one shown, as JSON if it is that; `…` is new each time."""
    try:
        return _same(json.loads(shown), json.loads(found))
    except json.JSONDecodeError:
        pattern = ".*".join(map(re.escape, shown.strip().split("…")))
        return re.fullmatch(pattern, found.strip()) is not None


def _same(shown: Any, found: Any) -> bool:
    if isinstance(shown, dict) and isinstance(found, dict):
        return shown.keys() == found.keys() and all(_same(shown[k], found[k]) for k in shown)
    if isinstance(shown, list) and isinstance(found, list):
        return len(shown) == len(found) and all(map(_same, shown, found))
    return bool(shown == found or (shown == "…" and found))
