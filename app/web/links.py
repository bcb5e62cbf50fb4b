"""The links of a page: relative to it, so that they hold behind any proxy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from app.formats.citations import safe_web_link
from app.web.query import PageQuery, QueryPairs, drop_dependents

WHOLE, EMBEDDED = "./", "embed"
SAFE = "/.,:!*~'()"  # unescaped in a query string (RFC 3986 section 3.4)


def relative_url(page: str, pairs: QueryPairs) -> str:
    """Return the relative URL of a page with these parameters."""
    return f"{page}?{urlencode(pairs, safe=SAFE, quote_via=quote)}" if pairs else page


@dataclass(frozen=True)
class Links:
    """The states that can be reached from the state of a page."""

    page: str
    query: PageQuery
    label: Callable[[str, str], str]
    image_hosts: Sequence[str] = ()
    content_language: str | None = None  # of titles and summaries, if the page has another

    @cached_property
    def pairs(self) -> QueryPairs:
        """Return the query without the event that is open or presented, and the cursor."""
        return [pair for pair in self.query.pairs if pair[0] not in ("event", "present")]

    @property
    def state(self) -> QueryPairs:
        """Return the query without the cursor."""
        return self.query.pairs

    @property
    def _unthemed(self) -> QueryPairs:
        """Return the query without the looks that only a frame has."""
        frames = self.new_tab
        looks = ("theme", "view", "limit") if frames else ("theme",)
        return [pair for pair in self.pairs if pair[0] not in looks]

    @property
    def new_tab(self) -> bool:
        """Return whether an event opens in a new tab: a frame has no room for it."""
        return self.page == EMBEDDED

    @property
    def filtered(self) -> QueryPairs:
        """Return the filter alone, as exports, feeds and counts take it."""
        names = self.query.given_values
        return [pair for pair in self.pairs if pair[0] in names]

    def image(self, medium: Mapping[str, Any]) -> str | None:
        """Return the address of the picture to show of a medium; None if a link must do."""
        own = medium["url"] if medium["kind"] == "image" else None
        return next(filter(self._is_shown, (medium["thumbnail"], own)), None)

    def _is_shown(self, url: str | None) -> bool:
        if safe_web_link(url) is None:
            return False
        try:
            host = urlsplit(url or "").netloc.lower()
        except ValueError:  # half an IPv6 address
            return False
        return any(
            host.endswith(each[1:]) if each.startswith("*.") else host == each
            for each in self.image_hosts
        )

    def event(self, event_id: str) -> str:
        """Return the whole page in this state with an event open."""
        return relative_url(WHOLE, [*self._unthemed, ("event", event_id)])

    def present(self, event_id: str) -> str:
        """Return this state with one event presented, in the same page or frame."""
        return relative_url(self.page, [*self.pairs, ("present", event_id)])

    def having(self, name: str, value: str) -> str:
        """Return the whole page in this state with one parameter set to one value."""
        rest = [pair for pair in self._unthemed if pair[0] != name]
        return relative_url(WHOLE, [*rest, (name, value)])

    def zoomed(self, window: str) -> str:
        """Return this state narrowed to a stretch of time, in the same page or frame."""
        rest = [pair for pair in self.pairs if pair[0] != "date"]
        return relative_url(self.page, [*rest, ("date", window)])

    def showing(self, view: str | None) -> str:
        """Return this state in another view, None for the one that is usual."""
        rest = [pair for pair in self.pairs if pair[0] != "view"]
        return relative_url(self.page, [*rest, *([("view", view)] if view else [])])

    def in_lanes(self, kind: str) -> str:
        """Return this state with the overview's lanes by type, actor, place or publisher."""
        rest = [pair for pair in self.pairs if pair[0] != "lanes"]
        return relative_url(self.page, [*rest, *([("lanes", kind)] if kind != "type" else [])])

    def in_rows(self, kind: str) -> str:
        """Return this state with full or compact rows in the list."""
        rest = [pair for pair in self.pairs if pair[0] != "rows"]
        return relative_url(self.page, [*rest, *([("rows", kind)] if kind != "full" else [])])

    def without(self, *names: str) -> str:
        """Return this state without some parameters."""
        rest = drop_dependents(pair for pair in self.pairs if pair[0] not in names)
        return relative_url(self.page, rest)

    def dropping(self, name: str, value: str) -> str:
        """Return this state without one value, and without parameters that needed it."""
        rest = drop_dependents(pair for pair in self.pairs if pair != (name, value))
        return relative_url(self.page, rest)

    def unfiltered(self) -> str:
        """Return all events, in the same theme."""
        looks = ("theme", "view", "lanes", "rows", "limit", "lang")
        return relative_url(self.page, [pair for pair in self.pairs if pair[0] in looks])

    @property
    def own_language(self) -> QueryPairs:
        """Return the language of the page as a query, if it was asked for by name."""
        return [pair for pair in self.pairs if pair[0] == "lang"]

    def home(self) -> str:
        """Return the page of all events as it looks at first."""
        return relative_url(self.page, self.own_language)

    def alone(self, event_id: str) -> str:
        """Return the whole page of all events with one of them open."""
        return relative_url(WHOLE, [*self.own_language, ("event", event_id)])

    def in_language(self, tag: str) -> str:
        """Return this state in another language, with the event that is open."""
        rest = [pair for pair in self.state if pair[0] != "lang"]
        return relative_url(self.page, [*rest, ("lang", tag)])

    def export(self, name: str) -> str:
        """Return the file of this format with the events of the filter."""
        return relative_url(f"events.{name}", self.filtered)

    def whole(self) -> str:
        """Return the whole page in this state."""
        return relative_url(WHOLE, self._unthemed)

    def embedded(self) -> str:
        """Return the embedded timeline in this state."""
        return relative_url(EMBEDDED, self.pairs)

    def after(self, cursor: str) -> str:
        """Return the next page of events."""
        return relative_url(self.page, [*self.pairs, ("cursor", cursor)])

    def first(self) -> str:
        """Return the first page of events, no event open."""
        return relative_url(self.page, self.pairs)
