"""Turn results of `reads` into HTTP answers: entity tags, 304, links, absolute URLs."""

import json
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Request, Response
from fastapi.requests import HTTPConnection
from sqlalchemy import Connection
from werkzeug.datastructures import ETags
from werkzeug.http import parse_etags

from app import __version__, reads
from app.api.heads import prefers
from app.formats import BIBLIOGRAPHIES, build_csl_item
from app.store import Database

P = ParamSpec("P")
T = TypeVar("T")

JSON = "application/json"
CSL = BIBLIOGRAPHIES["csl"].media_type


def database(request: HTTPConnection) -> Database:
    """Return the store of the application."""
    store: Database = request.app.state.database
    return store


async def collection(
    request: Request,
    work: Callable[Concatenate[Connection, reads.Position, P], reads.Page],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """Answer with the page that `work` reads, its `next` and a weak tag."""

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
    """Answer like `collection`, without a total; `name` is the parameter of the cursor."""

    def render(page: reads.Page, headers: dict[str, str]) -> bytes:
        following = _link(request, headers, name, page.cursor)
        return b'{"items":[%b],"next":%b}' % (b",".join(page.items), following)

    return await of_this_state(request, render, JSON, work, *args, **kwargs)


def _link(request: Request, headers: dict[str, str], name: str, cursor: str | None) -> bytes:
    """Return the URL of the next page as JSON, and add it as a Link header if there is one."""
    if cursor is None:
        return b"null"
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] != name]
    address = f"{_base(request)}?{urlencode([*pairs, (name, cursor)])}"
    headers["Link"] = f'<{address}>; rel="next"'
    return json.dumps(address).encode()


async def counts(
    request: Request,
    work: Callable[Concatenate[Connection, P], bytes],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """Answer with the counts that `work` computes and a weak tag."""

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
    """Answer with a weak tag of the URL and the state of the store.

    The route must depend on `Unchanged`, which answers 304.
    """

    def read(connection: Connection) -> tuple[str, bytes, dict[str, str]]:
        now = reads.position(connection)
        tag = _tag_of_state(request, now)
        headers = {**tagged(tag), **_vary(request)}
        return tag, render(work(connection, now, *args, **kwargs), headers), headers

    store = database(request)
    slow = any(getattr(query, "slow", False) for query in args)  # set by the query model
    tag, body, headers = await (store.run_slow_read if slow else store.run_read)(read)
    if _client_tags(request).star_tag:
        return _not_modified(request, tag)
    return Response(body, headers=headers, media_type=media_type)


class NotModified(Exception):  # noqa: N818 - as RFC 9110 calls it
    """Ends a request whose answer the client already has, by its tag."""

    def __init__(self, tag: str) -> None:
        self.tag = tag


async def unchanged(request: Request) -> None:
    """Raise NotModified if the client has the answer of this URL in this state of the store.

    This runs before the parameters are validated: the tag proves that they were valid. `*` proves
    nothing, so an invalid request must still be refused (RFC 9110 section 13.2.1).
    """
    tags = _client_tags(request)
    if tags and not tags.star_tag:
        tag = await tag_of_now(request)
        if tags.contains_weak(tag):
            raise NotModified(tag)


Unchanged = Depends(unchanged)


def install(app: FastAPI) -> None:
    """Answer 304 when NotModified is raised."""

    async def not_modified(request: Request, ended: Exception) -> Response:
        assert isinstance(ended, NotModified)
        return _not_modified(request, ended.tag)

    app.add_exception_handler(NotModified, not_modified)


def _not_modified(request: Request, tag: str) -> Response:
    vary = ", ".join((*_choices(request), "Accept-Encoding"))
    return Response(status_code=304, headers={**tagged(tag), "Vary": vary})


def vary_by(request: Request, header: str, choice: str) -> None:
    """Have the answer name a header in Vary, and its tag depend on what was chosen by it."""
    request.state.choices = {**_choices(request), header: choice}


def _choices(request: Request) -> Mapping[str, str]:
    """Return what was chosen for this answer by headers of the request."""
    choices: Mapping[str, str] = getattr(request.state, "choices", {})
    return choices


def _vary(request: Request) -> dict[str, str]:
    """Return the Vary header of what was chosen; compression adds its own."""
    choices = _choices(request)
    return {"Vary": ", ".join(choices)} if choices else {}


def tagged(tag: str) -> dict[str, str]:
    """Return the headers of an answer with a weak tag."""
    return {"ETag": f'W/"{tag}"', "Cache-Control": "no-cache"}


async def tag_of_now(request: Request) -> str:
    """Return the tag of this URL in the current state of the store."""
    return _tag_of_state(request, await database(request).run_read(reads.position))


def _tag_of_state(request: Request, now: reads.Position) -> str:
    settings = request.app.state.settings
    # Everything besides the store that an answer depends on.
    named_hosts = (settings.frame_ancestors, settings.media_hosts)
    inputs = (settings.public_url, request.url, *named_hosts, *_choices(request).values())
    digest = blake2b("\n".join(map(str, inputs)).encode(), digest_size=6).hexdigest()
    return f"{now.epoch}.{now.position}.{digest}.{__version__}"


async def document(
    request: Request,
    work: Callable[Concatenate[Connection, P], bytes],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """Answer with the document that `work` reads and a strong tag, or with 304."""
    body = await database(request).run_read(work, *args, **kwargs)
    return _of_bytes(request, body, JSON, {})


async def document_or_references(
    request: Request,
    work: Callable[Concatenate[Connection, P], bytes],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """Answer as `document`; with CSL-JSON if the client prefers that to JSON."""
    body = await database(request).run_read(work, *args, **kwargs)
    headers = {"Vary": "Accept"}
    if not prefers(",".join(request.headers.getlist("accept")), CSL, JSON):
        return _of_bytes(request, body, JSON, headers)
    record = json.loads(body)
    sources = record.get("sources")
    references = build_csl_item(record) if sources is None else list(map(build_csl_item, sources))
    return _of_bytes(request, reads.write_json(references), CSL, headers)


def _of_bytes(
    request: Request, body: bytes, media_type: str, headers: Mapping[str, str]
) -> Response:
    tag = reads.tag(body)
    all_headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache, no-transform", **headers}
    if _client_tags(request).contains_weak(tag):
        return Response(status_code=304, headers=all_headers)
    return Response(body, headers=all_headers, media_type=media_type)


def _client_tags(request: Request) -> ETags:
    """Return the tags in If-None-Match, to be compared weakly (RFC 9110 section 13.1.2)."""
    return parse_etags(",".join(request.headers.getlist("if-none-match")))


def weak_match(request: Request, tag: str) -> bool:
    """Return whether the client has the answer with this tag, by If-None-Match."""
    return _client_tags(request).contains_weak(tag)


def absolute(request: Request, path: str) -> str:
    """Return the URL that clients use for a path of this API."""
    public: str | None = request.app.state.settings.public_url
    root = request.scope.get("root_path", "")
    return f"{public or f'{request.url.scheme}://{request.url.netloc}{root}'}{path}"


def request_address(request: Request) -> str:
    """Return the absolute URL of this list, with its query."""
    query = urlencode(request.query_params.multi_items())
    return f"{_base(request)}?{query}" if query else _base(request)


def _base(request: Request) -> str:
    """Return the absolute URL of this list, without its query."""
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    return absolute(request, path)
