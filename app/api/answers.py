"""From what `reads` gives to an HTTP answer: entity tags, 304, links, absolute URLs."""

import json
from collections.abc import Callable
from hashlib import blake2b
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Request, Response
from fastapi.requests import HTTPConnection
from sqlalchemy import Connection
from werkzeug.datastructures import ETags
from werkzeug.http import parse_etags

from app import __version__, reads
from app.store import Database

P = ParamSpec("P")
T = TypeVar("T")

JSON = "application/json"


def database(request: HTTPConnection) -> Database:
    """The store that the application was made for."""
    found: Database = request.app.state.database
    return found


async def collection(
    request: Request,
    work: Callable[Concatenate[Connection, reads.Position, P], reads.Page],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """The page that `work` reads, with its `next` and a weak tag; 304 where it is known."""

    def render(page: reads.Page, headers: dict[str, str]) -> bytes:
        following = _link(request, headers, "cursor", page.cursor)
        total = b"null" if page.total is None else str(page.total).encode()
        items = b",".join(page.items)
        return b'{"items":[%b],"total":%b,"next":%b}' % (items, total, following)

    return await of_this_state(request, render, JSON, work, *args, **kwargs)


async def stretch(
    request: Request,
    name: str,
    work: Callable[Concatenate[Connection, reads.Position, P], reads.Page],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """As `collection`, of a list whose end moves: without a total; `name` is its cursor's."""

    def render(page: reads.Page, headers: dict[str, str]) -> bytes:
        following = _link(request, headers, name, page.cursor)
        return b'{"items":[%b],"next":%b}' % (b",".join(page.items), following)

    return await of_this_state(request, render, JSON, work, *args, **kwargs)


def _link(request: Request, headers: dict[str, str], name: str, cursor: str | None) -> bytes:
    """The URL of what follows as JSON, in a Link header too where there is more."""
    if cursor is None:
        return b"null"
    asked = [pair for pair in request.query_params.multi_items() if pair[0] != name]
    address = f"{_base(request)}?{urlencode([*asked, (name, cursor)])}"
    headers["Link"] = f'<{address}>; rel="next"'
    return json.dumps(address).encode()


async def counts(
    request: Request,
    work: Callable[Concatenate[Connection, P], bytes],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """The counts that `work` makes, with a weak tag; 304 where they are known."""

    def at_any_state(
        connection: Connection, _: reads.Position, /, *args: P.args, **kwargs: P.kwargs
    ) -> bytes:
        return work(connection, *args, **kwargs)

    return await of_this_state(request, lambda body, _: body, JSON, at_any_state, *args, **kwargs)


async def of_this_state(
    request: Request,
    render: Callable[[T, dict[str, str]], bytes],
    media_type: str,
    work: Callable[Concatenate[Connection, reads.Position, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """An answer with a weak tag of URL and store's state; its route depends on `Unchanged`."""

    def read(connection: Connection) -> tuple[str, bytes, dict[str, str]]:
        now = reads.position(connection)
        tag = _tag_of_state(request, now)
        headers = tagged(tag)
        return tag, render(work(connection, now, *args, **kwargs), headers), headers

    store = database(request)
    slow = any(getattr(query, "slow", False) for query in args)  # as a query says of itself
    tag, body, headers = await (store.run_slow_read if slow else store.run_read)(read)
    if _known_tags(request).star_tag:
        return _not_modified(tag)
    return Response(body, headers=headers, media_type=media_type)


class NotModified(Exception):  # noqa: N818 - as RFC 9110 calls it
    """Ends a request whose answer the client has, by its tag."""

    def __init__(self, tag: str) -> None:
        self.tag = tag


async def unchanged(request: Request) -> None:
    """NotModified where the client knows the tag of URL and store's state.

    It comes before the parameters are looked at: this URL had an answer in this state before. `*`
    proves no such thing, and a request that would be refused is refused (RFC 9110 section 13.2.1).
    """
    asked = _known_tags(request)
    if asked and not asked.star_tag:
        tag = await tag_of_now(request)
        if asked.contains_weak(tag):
            raise NotModified(tag)


Unchanged = Depends(unchanged)


def install(app: FastAPI) -> None:
    """Answer the requests that NotModified ends."""

    async def not_modified(_: Request, ended: Exception) -> Response:
        assert isinstance(ended, NotModified)
        return _not_modified(ended.tag)

    app.add_exception_handler(NotModified, not_modified)


def _not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={**tagged(tag), "Vary": "Accept-Encoding"})


def tagged(tag: str) -> dict[str, str]:
    """The headers of an answer with a weak tag."""
    return {"ETag": f'W/"{tag}"', "Cache-Control": "no-cache"}


async def tag_of_now(request: Request) -> str:
    """The tag of this URL in the state that the store has now."""
    return _tag_of_state(request, await database(request).run_read(reads.position))


def _tag_of_state(request: Request, now: reads.Position) -> str:
    settings = request.app.state.settings
    # What an answer shows beside the store, or is sent under.
    shown = (settings.public_url, request.url, settings.title, settings.frame_ancestors)
    digest = blake2b("\n".join(map(str, shown)).encode(), digest_size=6).hexdigest()
    return f"{now.epoch}.{now.position}.{digest}.{__version__}"


async def document(
    request: Request,
    work: Callable[Concatenate[Connection, P], bytes],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """The document that `work` reads, with a strong tag of its bytes; 304 where it is known."""
    body = await database(request).run_read(work, *args, **kwargs)
    tag = reads.tag(body)
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache, no-transform"}
    if _known_tags(request).contains_weak(tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=JSON)


def _known_tags(request: Request) -> ETags:
    """The tags of the answers that the client has, compared weakly (RFC 9110 section 13.1.2)."""
    return parse_etags(",".join(request.headers.getlist("if-none-match")))


def absolute(request: Request, path: str) -> str:
    """The URL that clients use for a path of this API."""
    public: str | None = request.app.state.settings.public_url
    root = request.scope.get("root_path", "")
    return f"{public or f'{request.url.scheme}://{request.url.netloc}{root}'}{path}"


def address(request: Request) -> str:
    """The absolute URL of this list, with its query."""
    asked = urlencode(request.query_params.multi_items())
    return f"{_base(request)}?{asked}" if asked else _base(request)


def _base(request: Request) -> str:
    """The absolute URL of this list, without its query."""
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    return absolute(request, path)
