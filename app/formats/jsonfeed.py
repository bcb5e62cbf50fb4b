"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/): the last updates for feed readers."""

from collections.abc import Iterable, Iterator
from functools import partial

from app.formats import citations, media
from app.formats.lines import About, batch_items, pick_members, write_json_list
from app.formats.prose import format_html, format_short, list_keywords
from app.json_types import Json


def write_jsonfeed(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the feed in chunks, in the order of the documents.

    Its author is the chronology: publishers are cited, they did not write these entries.
    """
    beside = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": about.title,
        **({"description": about.subtitle} if about.subtitle else {}),
        **({"language": about.language} if about.language else {}),
        "home_page_url": about.page,
        "feed_url": about.address,
        "authors": [{"name": about.title, "url": f"{about.base}/"}],
    }
    return write_json_list(batch_items(documents, partial(_item, about)), "items", beside)


def _item(about: About, event: Json) -> Json:
    """Return an item with the dates of the entry; the event's is in its text and `_dateline`."""
    links = list(filter(None, map(citations.web_link, event["sources"])))
    linked = media.list_linked(event)
    images = [medium["url"] for medium in linked if medium["kind"] == "image"]
    return {
        "id": about.urn_of("events", event["id"]),
        "url": about.page_of(event["id"]),
        **({"external_url": links[0]} if links else {}),
        "title": event["title"],
        "content_html": format_html(event),
        "summary": format_short(event),
        "date_published": event["created_at"],
        "date_modified": event["updated_at"],
        "tags": list_keywords(event, about),
        **({"image": images[0]} if images else {}),
        **({"attachments": [_attachment(m) for m in linked]} if linked else {}),
        "_dateline": {
            "about": f"{about.base}/docs",
            **pick_members(event, ("match", "date", "status", "sources", "media", "extra")),
        },
    }


def _attachment(medium: Json) -> Json:
    return {
        "url": medium["url"],
        "mime_type": media.guess_media_type(medium),
        "title": media.describe_medium(medium),
    }
