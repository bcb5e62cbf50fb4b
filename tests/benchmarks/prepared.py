"""Stores of a size: made once by Dateline's own import, and what the comparisons are made over."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import generated, inserting
from servers import DATELINE, environment

CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Prepared:
    """A folder with a store of so many events, and what its making took."""

    folder: Path
    number: int

    @property
    def url(self) -> str:
        """The store's."""
        return f"sqlite:///{self.folder / 'events.db'}"

    @property
    def lines(self) -> Path:
        """The events as NDJSON."""
        return self.folder / "events.ndjson"

    @property
    def known(self) -> dict[str, Any]:
        """What was noted when it was made."""
        path = self.folder / "made.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def read_through(self) -> None:
        """Read its files once, so that the system has them in memory as far as that reaches.

        Otherwise what is asked first is measured with the disk's time, and what comes later not.
        """
        for path in self.folder.glob("*.db*"):
            with path.open("rb", buffering=0) as file:
                while file.read(CHUNK):
                    pass

    def note(self, **facts: Any) -> None:
        """Keep facts for later runs over the same folder."""
        (self.folder / "made.json").write_text(json.dumps(self.known | facts))


def dateline(url: str, *arguments: str) -> float:
    """The seconds that a command of Dateline takes."""
    started = time.perf_counter()
    subprocess.run(
        [str(DATELINE), *arguments], env=environment(url), check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


@contextmanager
def prepared(number: int, keep: Path | None) -> Iterator[Prepared]:
    """A store of so many events, from `keep` where it was made before; else gone at the end."""
    if keep is None:
        with TemporaryDirectory(prefix="dateline-benchmark-") as name:
            yield made(Prepared(Path(name), number))
    else:
        folder = keep / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        found = Prepared(folder, number)
        yield found if "executemany" in found.known else made(found)


def made(store: Prepared) -> Prepared:
    """Generate the events and import them into a new store."""
    for old in store.folder.iterdir():
        old.unlink()
    generated.write_ndjson(store.lines, store.number)
    dateline(store.url, "migrate")
    seconds = dateline(store.url, "import", str(store.lines), "--create-types")
    by_hand = inserting.copied(store.folder / "events.db", store.folder / "floor.db")
    store.note(**{"import": seconds, "executemany": by_hand})
    return store
