"""Where the links of a page lead: relative to it, so that they hold behind any proxy."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, urlencode

from app.web.asked import PageQuery, Pairs, standing

WHOLE, EMBEDDED = "./", "embed"
SAFE = "/.,:!*~'()"  # what a query string may hold as it is (RFC 3986 section 3.4)


def address(page: str, pairs: Pairs) -> str:
    """The relative URL of a page with these parameters."""
    return f"{page}?{urlencode(pairs, safe=SAFE, quote_via=quote)}" if pairs else page


@dataclass(frozen=True)
class Links:
    """The states that can be reached from the one that was asked for."""

    page: str
    asked: PageQuery
    label: Callable[[str, str], str]

    @cached_property
    def pairs(self) -> Pairs:
        """What was asked, but for the event that is open and the cursor."""
        return [pair for pair in self.asked.pairs if pair[0] != "event"]

    @property
    def state(self) -> Pairs:
        """What was asked, but for the cursor."""
        return self.asked.pairs

    @property
    def _unthemed(self) -> Pairs:
        """Without the theme, which only a frame has."""
        return [pair for pair in self.pairs if pair[0] != "theme"]

    @property
    def new_tab(self) -> bool:
        """Whether an event opens beside this page: in a frame there is no room for it."""
        return self.page == EMBEDDED

    @property
    def filtered(self) -> Pairs:
        """The filter alone: what an export, a feed or a count takes."""
        given = self.asked.given
        return [pair for pair in self.pairs if pair[0] in given]

    def event(self, event_id: str) -> str:
        """This state with an event open, on the whole page."""
        return address(WHOLE, [*self._unthemed, ("event", event_id)])

    def having(self, name: str, value: str) -> str:
        """This state with one parameter set to a value, whatever it was."""
        return address(self.page, [*(p for p in self.pairs if p[0] != name), (name, value)])

    def without(self, *names: str) -> str:
        """This state without some parameters."""
        return address(self.page, standing(p for p in self.pairs if p[0] not in names))

    def dropping(self, name: str, value: str) -> str:
        """This state without one value, and without what means nothing then."""
        return address(self.page, standing(pair for pair in self.pairs if pair != (name, value)))

    def unfiltered(self) -> str:
        """All events, in the same theme."""
        return address(self.page, [pair for pair in self.pairs if pair[0] == "theme"])

    def export(self, name: str) -> str:
        """What the filter finds, as a file."""
        return address(f"events.{name}", self.filtered)

    def whole(self) -> str:
        """The page with this state."""
        return address(WHOLE, self._unthemed)

    def embedded(self) -> str:
        """The embedded timeline with this state."""
        return address(EMBEDDED, self.pairs)

    def after(self, cursor: str) -> str:
        """The events that follow."""
        return address(self.page, [*self.pairs, ("cursor", cursor)])

    def first(self) -> str:
        """The first events again, nothing open."""
        return address(self.page, self.pairs)
