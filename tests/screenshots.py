"""Takes the screenshots in docs of the timeline: `PYTHONPATH=tests python -m screenshots`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from browser import chromium, visiting
from servers import serving
from stores import SqliteStores, migrated, seeded

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
# By file name: what is asked for, the size of the window, and the colours.
SHOTS = {
    "timeline": ("/", 1440, 1040, "light"),
    "timeline-dark": ("/", 1440, 1040, "dark"),
    "phone": ("/", 375, 812, "light"),
}


def take(folder: Path) -> None:
    """All of them, of the example chronology, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as made:
        files = SqliteStores(Path(made))
        store = seeded(files, migrated(files))
        with serving(store) as server, chromium() as browser:
            for name, (path, width, height, colours) in SHOTS.items():
                size = {"width": width, "height": height}
                with visiting(browser, viewport=size, color_scheme=colours) as visit:
                    visit.page.goto(server.url + path, wait_until="networkidle")
                    visit.page.screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    take(FOLDER)
