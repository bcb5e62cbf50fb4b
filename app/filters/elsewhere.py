"""Values as users of other interfaces write them, and what they are here."""

import re
from collections.abc import Mapping

SORT_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("newest", "latest", "recent", "reverse", "most_recent"), "-date"),
    **dict.fromkeys(("oldest", "earliest", "chronological", "first"), "date"),
    **dict.fromkeys(("recently_updated", "last_updated", "last_modified"), "-updated"),
}
SORT_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(("date", "start", "start_date", "event_date", "when", "time", "day"), "date"),
    **dict.fromkeys(("updated", "updated_at", "modified", "modified_at", "edited"), "updated"),
    **dict.fromkeys(("changed", "changed_at", "lastmod"), "updated"),
}
SORT_PATTERN = re.compile(
    r"(?P<sign>[-+]?)\s*"
    r"(?:(?P<alone>asc|desc)(?:ending)?(?:\((?P<within>\w+)\))?"
    r"|(?P<field>\w+?)(?:[\s_:.,-]+(?P<order>asc|desc)(?:ending)?)?)"
)
FACET_SYNONYMS: Mapping[str, str] = {
    **dict.fromkeys(("category", "kind", "event_type"), "type"),
    **dict.fromkeys(("person", "people", "organisation", "organization", "participant"), "actor"),
    **dict.fromkeys(("location", "city", "where"), "place"),
    **dict.fromkeys(("topic", "keyword", "label"), "tag"),
    **dict.fromkeys(("outlet", "newspaper", "media"), "publisher"),
    **dict.fromkeys(("nation", "countries", "country_code"), "country"),
    "reference": "source",
    "citation": "source",
    "state": "status",
}
INTERVAL_SYNONYMS: Mapping[str, str] = {
    **dict.fromkeys(("y", "1y", "p1y", "annual", "annually", "a"), "year"),
    **dict.fromkeys(("q", "1q", "p3m", "qtr"), "quarter"),
    **dict.fromkeys(("m", "1m", "1mo", "p1m", "mon"), "month"),
    **dict.fromkeys(("w", "1w", "p1w", "p7d", "isoweek"), "week"),
    **dict.fromkeys(("d", "1d", "p1d", "daily", "date"), "day"),
}
TIME_WORDS: Mapping[str, str] = {
    **{f"{name}{plural}": name for name in ("year", "quarter", "month", "week", "day")
       for plural in ("", "s")},
    **INTERVAL_SYNONYMS,
    **dict.fromkeys(("date", "dates", "time", "period", "decade", "histogram"), "year"),
}  # fmt: skip


def suggest_sort(value: str) -> str | None:
    """Return the `sort` for `date_desc`, `newest`, `updated_at:asc` and the like, or None."""
    bare = value.casefold().strip()
    parts = SORT_PATTERN.fullmatch(bare)
    if bare in SORT_WORDS or parts is None:
        return SORT_WORDS.get(bare)
    name = SORT_FIELDS.get(parts["within"] or parts["field"] or "date")
    if name is None:
        return None
    descending = parts["sign"] == "-" or "desc" in (parts["alone"], parts["order"])
    return f"-{name}" if descending else name


def suggest_facet(value: str) -> str | None:
    """Return the facet that other interfaces call `value`, or None."""
    return FACET_SYNONYMS.get(value.casefold())


def suggest_interval(value: str) -> str | None:
    """Return the interval that other interfaces call `value`, or None."""
    return INTERVAL_SYNONYMS.get(value.casefold())


def refuse_time(value: str) -> str:
    """Return a facet. Raise ValueError for a span of time, which another path counts by."""
    if (span := TIME_WORDS.get(value.casefold())) is not None:
        raise ValueError(f"counts by value; by time counts /histogram?interval={span}")
    return value
