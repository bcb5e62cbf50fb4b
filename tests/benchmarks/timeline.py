"""How long the timeline page takes to be drawn, against its own request for what it shows.

    PYTHONPATH=tests python -m benchmarks.timeline [EVENTS …]

A real browser opens the page, then chooses a type. Both times begin when the request is sent: the
request ends with its last byte, the drawing with the first paint of the whole page, or for the
filter with the frame in which the new list is there. The goal: at most twice the request.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks import generated
from browser import chromium, visiting
from servers import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

GOAL = 2
OPENED = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return [page.responseEnd - page.requestStart, paint.startTime - page.requestStart];
}"""
FILTERED = """() => new Promise((done) => {
  const list = document.querySelector("#events");
  new MutationObserver((_, watch) => {
    if (list.isConnected) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => {
      const sent = performance.getEntriesByType("resource").filter((e) => e.name.includes("type="));
      const { requestStart, responseEnd } = sent.at(-1);
      done([responseEnd - requestStart, performance.now() - requestStart]);
    }));
  }).observe(document.body, { childList: true, subtree: true });
  document.querySelector("[name=type]").click();
})"""


def measured(page: "Page", url: str) -> Iterator[tuple[str, float, float]]:
    """What was done, with the milliseconds of its request and of its drawing."""
    page.goto(url, wait_until="networkidle")
    yield ("first page", *page.evaluate(OPENED))
    yield ("one filter", *page.evaluate(FILTERED))


def rounds(browser: "Browser", url: str, number: int) -> dict[str, list[tuple[float, float]]]:
    """The times of so many visits, each with an empty cache, after one that is not counted."""
    times: dict[str, list[tuple[float, float]]] = {}
    for visit in range(number + 1):
        with visiting(browser, viewport={"width": 1440, "height": 900}) as visited:
            for name, sent, drawn in measured(visited.page, url):
                if visit:
                    times.setdefault(name, []).append((sent, drawn))
    return times


def main() -> None:
    """Print, for each size: medians with quartiles, and the ratio of each visit."""
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("events", type=int, nargs="*", default=[10_000])
    options.add_argument("--rounds", type=int, default=20)
    asked = options.parse_args()
    for number in asked.events:
        with TemporaryDirectory(prefix="dateline-benchmark-") as name:
            url = f"sqlite:///{Path(name) / 'events.db'}"
            generated.write(url, number)
            with serving(url) as server, chromium() as browser:
                times = rounds(browser, f"{server.url}/", asked.rounds)
        lines = [f"{number} events, {asked.rounds} visits"]
        for what, pairs in times.items():
            low, middle, high = quantiles([drawn / sent for sent, drawn in pairs], n=4)
            sent, drawn = (median(part) for part in zip(*pairs, strict=True))
            lines.append(
                f"  {what}: request {sent:.0f} ms, drawn {drawn:.0f} ms, ratio {middle:.2f}"
                f" ({low:.2f} to {high:.2f}; goal: at most {GOAL})"
            )
        sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
