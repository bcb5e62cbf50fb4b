"""What goes over the wire: methods, caching, compression, origins, addresses, and every error."""

import json
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, create_engine, text

from app import schemas, writes
from app.errors import Problem
from app.settings import Settings
from app.store import Database
from commands import forked_server
from servers import SECONDS, Answer, Server, until
from stores import BY, SqliteStores, Stores, migrated, opened, seeded

LISTS = ("/events", "/types", "/actors", "/places", "/tags", "/publishers", "/sources")
RECORDS = (
    "/events/aliyev-visit-belgrade-2022",
    "/types/visit",
    "/actors/serbia",
    "/places/belgrade",
    "/tags/energy",
    "/publishers/turan",
    "/sources/turan-2022-11-21",
)
OTHERS = (
    "/",
    "/docs",
    "/openapi.json",
    "/.well-known/api-catalog",
    "/robots.txt",
    "/static-offline-docs/favicon.png",
    "/healthz",
    "/readyz",
    "/problems",
    "/problems/not-found",
)
REFUSED = {
    "/nothing": (404, "not-found"),
    "/events/nothing": (404, "not-found"),
    "/static-offline-docs/nothing": (404, "not-found"),
    "/problems/nothing": (404, "not-found"),
    "/events?tpye=visit": (422, "invalid-parameters"),
    "/events?limit=0": (422, "invalid-parameters"),
    "/events?type=visits": (422, "invalid-parameters"),
    "/healthz?x=1": (422, "invalid-parameters"),
    f"/events?tag={'a' * 9000}": (414, "uri-too-long"),
}
ANYWHERE = "https://anywhere.example"

# The module that undoes each coding.
CODINGS = {
    "gzip": "gzip",
    "br": "brotli",
    "zstd": "compression.zstd" if sys.version_info >= (3, 14) else "zstandard",
}

on_postgresql = pytest.mark.parametrize("stores", ["postgresql"], indirect=True, scope="session")


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A seeded SQLite store, copied for each server; for what does not depend on the engine."""
    files = SqliteStores(tmp_path_factory.mktemp("served"))
    return seeded(files, migrated(files))


@pytest.fixture(scope="module")
def server(sqlite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over the example chronology, which no test changes."""
    with forked_server(copy_of(sqlite, tmp_path_factory.mktemp("server"))) as running:
        yield running


@pytest.fixture(scope="module")
def changing(stores: Stores, seeded_template: str) -> Iterator[Server]:
    """A server, one an engine, whose store the tests write, damage and mend.

    A query may take half a second.
    """
    with forked_server(stores.new(seeded_template), query_seconds="0.5") as running:
        yield running


def copy_of(sqlite: str, folder: Path) -> str:
    """A copy of a SQLite store."""
    return SqliteStores(folder).new(sqlite)


def write_an_event(url: str) -> None:
    """Store one more visit, in another process than the server's."""
    event = schemas.EventWrite.model_validate(
        {"type": "visit", "title": "A visit", "date": "2025", "sources": [{"title": "A report"}]}
    )
    with opened(url) as store, store.write() as session:
        writes.create_events(session, BY, [event])


@contextmanager
def administering(url: str) -> Iterator[Engine]:
    """The store as its operator opens it: statements take effect at once."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        yield engine
    finally:
        engine.dispose()


def run(url: str, *statements: str) -> None:
    """Run statements as the store's operator."""
    with administering(url) as engine, engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


# -- HEAD -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("target", [*LISTS, *RECORDS, *OTHERS, *REFUSED])
def test_head_has_the_status_and_headers_of_get(server: Server, target: str, coding: str) -> None:
    """RFC 9110 section 9.3.2, of answers of every kind."""
    headers = {"Accept-Encoding": coding, "Origin": ANYWHERE}
    head = server.ask(target, headers, "HEAD")
    get = server.ask(target, headers)
    assert head.status == get.status
    assert head.told == get.told
    assert int(head.headers["Content-Length"]) == len(get.body)


@pytest.mark.parametrize("target", ["/events", "/types/visit", "/docs", "/nothing", "/events?x=1"])
def test_head_sends_no_body(server: Server, target: str) -> None:
    """Not a byte follows the headers."""
    answer = server.raw(f"HEAD {target} HTTP/1.1\nHost: h\nConnection: close\n\n")
    assert answer.startswith(b"HTTP/1.1 ")
    assert answer.endswith(b"\r\n\r\n")
    assert answer.count(b"\r\n\r\n") == 1


# -- entity tags and compression ------------------------------------------------------------------


@pytest.mark.parametrize("target", RECORDS)
@pytest.mark.parametrize("accepted", ["identity", "gzip", "br", "zstd", "gzip, br, zstd", "*"])
def test_a_record_has_a_strong_tag_and_is_never_compressed(
    server: Server, target: str, accepted: str
) -> None:
    """One strong tag names one sequence of bytes (RFC 9110 section 8.8.3.3)."""
    answer = server.ask(target, {"Accept-Encoding": accepted})
    assert re.fullmatch(r'"[^"]+"', answer.headers["ETag"])
    assert answer.headers["Content-Encoding"] is None
    assert answer.headers["Cache-Control"] == "no-cache, no-transform"
    assert answer.body == server.ask(target).body


@pytest.mark.parametrize("target", LISTS)
@pytest.mark.parametrize("coding", CODINGS)
def test_a_list_has_a_weak_tag_and_is_compressed(server: Server, target: str, coding: str) -> None:
    """Every coding carries the same document under the same tag."""
    plain = server.ask(target)
    packed = server.ask(target, {"Accept-Encoding": coding})
    assert packed.headers["Content-Encoding"] == coding
    assert len(packed.body) < len(plain.body)
    assert import_module(CODINGS[coding]).decompress(packed.body) == plain.body
    assert plain.headers["Content-Encoding"] is None
    assert re.fullmatch(r'W/"[^"]+"', plain.headers["ETag"])
    assert packed.headers["ETag"] == plain.headers["ETag"]


@pytest.mark.parametrize("target", ["/events", "/events.ics"])
@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}, {"If-None-Match": "*"}])
def test_a_list_varies_by_the_coding_that_was_asked_for(
    server: Server, target: str, headers: dict[str, str]
) -> None:
    """Whatever coding it came in, and also in a 304 (RFC 9110 section 15.4.5); said once."""
    vary = server.ask(target, headers).headers["Vary"]
    assert [name.strip().lower() for name in vary.split(",")].count("accept-encoding") == 1


# How a client tells which answers it has: {} is the tag it was given.
KNOWN = {
    "the tag": "{}",
    "one of a list": '"other", {}, W/"third"',
    "a list without spaces": '"other",{}',
    "any": "*",
}


@pytest.mark.parametrize("target", [*LISTS, *RECORDS])
@pytest.mark.parametrize("said", KNOWN)
def test_an_answer_that_the_client_has_is_304(server: Server, target: str, said: str) -> None:
    """Tag and Cache-Control as in the 200, and no body (RFC 9110 sections 13.1.2 and 15.4.5)."""
    fresh = server.ask(target)
    headers = {"If-None-Match": KNOWN[said].format(fresh.headers["ETag"])}
    answer = server.ask(target, headers)
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["ETag"] == fresh.headers["ETag"]
    assert answer.headers["Cache-Control"] == fresh.headers["Cache-Control"]
    assert answer.headers["Content-Type"] is None
    assert server.ask(target, headers, "HEAD").status == 304


def test_tags_are_compared_weakly(server: Server) -> None:
    """If-None-Match finds a strong tag by its weak form, and a weak one by its strong form."""
    for target in ("/events", "/types/visit"):
        tag = server.ask(target).headers["ETag"]
        other = tag.removeprefix("W/") if tag.startswith("W/") else f"W/{tag}"
        assert server.ask(target, {"If-None-Match": other}).status == 304


def test_tags_may_come_in_several_header_lines(server: Server) -> None:
    """Lines of one name are one list (RFC 9110 section 5.3)."""
    tag = server.ask("/events").headers["ETag"]
    lines = f'If-None-Match: "other"\nIf-None-Match: {tag}'
    request = f"GET /events HTTP/1.1\nHost: 127.0.0.1:{server.port}\n{lines}\nConnection: close\n\n"
    assert server.raw(request).startswith(b"HTTP/1.1 304 ")


@pytest.mark.parametrize("tags", ['"other"', 'W/"other"', "nonsense", '"', ",", "", '"*"'])
@pytest.mark.parametrize("target", ["/events", "/types/visit"])
def test_any_other_tag_gets_the_answer_anew(server: Server, target: str, tags: str) -> None:
    """Also what is no tag at all."""
    assert server.ask(target, {"If-None-Match": tags}).status == 200


def test_the_tag_of_one_list_says_nothing_of_another(server: Server) -> None:
    """Two filters, two answers."""
    tag = server.ask("/events?type=visit").headers["ETag"]
    assert server.ask("/events?type=contract", {"If-None-Match": tag}).status == 200
    assert server.ask("/types", {"If-None-Match": tag}).status == 200


@pytest.mark.parametrize("target", ["/events?type=visits", "/events?cursor=x", "/types?cursor=x"])
def test_what_would_be_refused_is_refused_to_those_who_know_a_tag(
    server: Server, target: str
) -> None:
    """A precondition counts only where the answer would be a success (RFC 9110 13.2.1)."""
    tag = server.ask("/events").headers["ETag"]
    for known in ("*", tag):
        assert server.ask(target, {"If-None-Match": known}).status == 422


@pytest.mark.parametrize("target", ["/events", "/events?type=contract", "/sources", "/types/visit"])
def test_a_write_changes_the_tag(changing: Server, target: str) -> None:
    """Of every list, whatever it shows, and of each record that shows the change."""
    tag = changing.ask(target).headers["ETag"]
    assert changing.ask(target, {"If-None-Match": tag}).status == 304
    write_an_event(changing.database_url)
    answer = changing.ask(target, {"If-None-Match": tag})
    assert answer.status == 200
    assert answer.headers["ETag"] != tag


def test_a_write_leaves_the_tag_of_what_it_does_not_touch(changing: Server) -> None:
    """A strong tag is one of bytes, not of the store's state."""
    tag = changing.ask(RECORDS[0]).headers["ETag"]
    write_an_event(changing.database_url)
    assert changing.ask(RECORDS[0], {"If-None-Match": tag}).status == 304


@pytest.mark.parametrize("target", [*LISTS, *RECORDS, *OTHERS, *REFUSED])
def test_nothing_is_kept_without_being_asked_about_again(server: Server, target: str) -> None:
    """Every answer has a Cache-Control, and none allows a stale one."""
    kept = server.ask(target).headers["Cache-Control"]
    assert set(kept.split(", ")) & {"no-cache", "no-store"}


# -- other origins --------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [*LISTS, *RECORDS, *OTHERS, *REFUSED])
def test_every_origin_may_read_every_answer(server: Server, target: str) -> None:
    """Errors too, with the headers that a client needs, and never with credentials."""
    assert_open(server.ask(target, {"Origin": ANYWHERE}))


def test_every_origin_may_read_a_304(server: Server) -> None:
    """A browser's cache hands the 200 to the page with the headers of the 304."""
    assert_open(server.ask("/events", {"Origin": ANYWHERE, "If-None-Match": "*"}))


def assert_open(answer: Answer) -> None:
    """A page of any origin can read this answer and its headers."""
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert set(exposed) == {
        *("ETag", "Link", "Location", "Retry-After"),
        *("RateLimit", "RateLimit-Policy", "Server-Timing", "X-Request-ID"),
    }
    assert answer.headers["Access-Control-Allow-Credentials"] is None


ASKED = "authorization,content-type,if-match,if-none-match,idempotency-key"
PREFLIGHT = {"Origin": ANYWHERE, "Access-Control-Request-Headers": ASKED}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_a_browser_may_ask_first(server: Server, method: str) -> None:
    """The preflight allows the methods of this API, and any headers, to anybody."""
    asked = {**PREFLIGHT, "Access-Control-Request-Method": method}
    answer = server.ask("/events", asked, "OPTIONS")
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Credentials"] is None
    assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
    assert set(allowed) >= set(ASKED.split(","))


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO"])
def test_a_browser_is_told_why_it_may_not(server: Server, method: str) -> None:
    """What this API does not have is refused as a problem, like everything else."""
    asked = {**PREFLIGHT, "Access-Control-Request-Method": method}
    assert_problem(server.ask("/events", asked, "OPTIONS"), 400, "bad-request")


@pytest.mark.parametrize("asked", ["bytes=0-1", "bytes=999999999-", "bytes=5-1", "items=0-1"])
def test_a_range_is_ignored(server: Server, asked: str) -> None:
    """Every answer is whole (RFC 9110 section 14.2 lets a server ignore Range)."""
    for target in ("/events", "/static-offline-docs/swagger-ui.css"):
        assert server.ask(target, {"Range": asked}).status == 200


def test_thousands_of_unknown_parameters_cost_little(server: Server) -> None:
    """The first twenty are named; the work is that of twenty."""
    answer = server.ask("/events?" + "&".join(f"a{number}" for number in range(1200)))
    assert_problem(answer, 422, "invalid-parameters")
    assert len(answer.json()["errors"]) == 20


# -- addresses ------------------------------------------------------------------------------------


def link(answer: Answer) -> str:
    """The address in the one Link header, which is that of `next` too."""
    (found,) = re.findall(r'^<([^<>"\s]+)>; rel="next"$', answer.headers["Link"])
    assert found == answer.json()["next"]
    return str(found)


@pytest.mark.parametrize("target", ["/events?date=2013/2024&limit=7", "/actors?limit=3"])
def test_next_leads_through_the_list(server: Server, target: str) -> None:
    """Each `next` is an absolute URL of this server; together they give every item once."""
    seen: list[str] = []
    following = server.url + target
    while True:
        assert following.startswith(f"{server.url}/")
        answer = server.ask(following.removeprefix(server.url))
        assert answer.status == 200
        seen += [item["id"] for item in answer.json()["items"]]
        if answer.json()["next"] is None:
            break
        following = link(answer)
    assert answer.headers["Link"] is None
    assert len(seen) == len(set(seen)) == answer.json()["total"] > 7


def test_next_keeps_what_was_asked(server: Server) -> None:
    """Also values that a URL must escape."""
    asked = "date=..%2F2030&publisher=Eurasia+Daily+Monitor&publisher=turan&limit=1&fields=id"
    query = urlsplit(link(server.ask(f"/events?{asked}"))).query
    assert query.startswith(f"{asked}&cursor=")


def test_absolute_addresses_are_those_of_the_request(server: Server) -> None:
    """The Host header says what this server is called."""
    answer = server.ask("/events?limit=1", {"Host": "news.example:8080"})
    assert link(answer).startswith("http://news.example:8080/events?")


HOSTS = (
    *('a"b', 'x"},"next":"', "<script>", "a>b", "a b", "a\\b", "a/b", "a?b", "a#b", "a@b"),
    *("%00", "%22", "'", "", "[::1", "[::1]x", "a:b", "a:99999999", "\x01", "\x7f", "é"),
    "a" * 7000,
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_hostile_host_breaks_nothing(server: Server, host: str) -> None:
    """Refused or left aside: JSON and Link stay whole, and no error is the server's."""
    answer = server.ask("/events?limit=1", {"Host": host})
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert set(answer.json()) == {"items", "total", "next"}
        assert re.fullmatch(r"http://[^/?#\"<>\\\s@]+/events\?limit=1&cursor=[\w-]+", link(answer))


def test_a_trusted_proxy_tells_the_scheme(server: Server) -> None:
    """127.0.0.1 is trusted unless the operator says otherwise."""
    answer = server.ask("/events?limit=1", {"X-Forwarded-Proto": "https", "Host": "news.example"})
    assert link(answer).startswith("https://news.example/events?")


@pytest.mark.parametrize("scheme", ["javascript", 'https"', "", "ftp"])
def test_a_forwarded_scheme_that_is_none_is_left_aside(server: Server, scheme: str) -> None:
    """A link is http or https."""
    answer = server.ask("/events?limit=1", {"X-Forwarded-Proto": scheme})
    assert link(answer).startswith(f"{server.url}/events?")


def test_a_forwarded_host_is_left_aside(server: Server) -> None:
    """Proxies pass on what a client wrote there: it could put its own address into a cache."""
    answer = server.ask("/events?limit=1", {"X-Forwarded-Host": "evil.example"})
    assert link(answer).startswith(f"{server.url}/events?")


def test_forwarded_headers_of_others_do_not_count(sqlite: str, tmp_path: Path) -> None:
    """Whoever is not a trusted proxy is a client."""
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.1"}
    with forked_server(copy_of(sqlite, tmp_path), trusted_proxies="10.0.0.0/8") as server:
        assert link(server.ask("/events?limit=1", forwarded)).startswith(f"{server.url}/events?")


def test_the_public_url_goes_before_all(sqlite: str, tmp_path: Path) -> None:
    """DATELINE_PUBLIC_URL stands in every absolute link, whatever the request says."""
    forwarded = {"Host": "evil.example", "X-Forwarded-Proto": "http"}
    url = copy_of(sqlite, tmp_path)
    with forked_server(url, public_url="https://news.example/dates/") as server:
        answer = server.ask("/events?limit=1", forwarded)
    assert link(answer).startswith("https://news.example/dates/events?limit=1&cursor=")


# -- errors ---------------------------------------------------------------------------------------


def assert_problem(answer: Answer, status: int, code: str) -> None:
    """RFC 9457 section 3, with what this API promises of its problems."""
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    document = answer.json()
    assert set(document) <= {"type", "title", "status", "detail", "errors", "request_id"}
    assert document["type"] == f"/problems/{code}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]


@pytest.mark.parametrize("target", REFUSED)
def test_a_refusal_is_a_problem(server: Server, target: str) -> None:
    """One shape for every error, wherever it was found out."""
    assert_problem(server.ask(target), *REFUSED[target])


@pytest.mark.parametrize("target", REFUSED)
def test_a_problem_leads_to_its_explanation(server: Server, target: str) -> None:
    """`type` is an address of this server."""
    problem = server.ask(target).json()
    explained = server.ask(problem["type"]).json()
    assert explained["title"] == problem["title"]
    assert explained["status"] == problem["status"]


@pytest.mark.parametrize(
    ("target", "near"),
    [
        ("/events/aliyev-visit-belgrad-2022", "aliyev-visit-belgrade-2022"),
        ("/types/visits", "visit"),
        ("/actors/SOCAR", "socar"),
        ("/places/belgrad", "belgrade"),
        ("/tags/enery", "energy"),
        ("/publishers/Turan", "turan"),
        ("/sources/turan-2022-11-12", "turan-2022-11-21"),
    ],
)
def test_an_unknown_id_names_the_nearest(server: Server, target: str, near: str) -> None:
    """A slip of one letter costs one more request, not a search."""
    answer = server.ask(target)
    assert_problem(answer, 404, "not-found")
    (fault,) = answer.json()["errors"]
    assert (fault["in"], fault["name"], fault["suggestion"]) == ("path", "id", near)


HOSTILE_IDS = ("%00", "%ff", "%ED%A0%80", "..%2f..%2fetc", "a" * 8000, "%27--", "%0d%0aX:%201", "-")


@pytest.mark.parametrize("hostile", HOSTILE_IDS)
@pytest.mark.parametrize("target", ["/events/", "/sources/", "/problems/", "/static-offline-docs/"])
def test_a_hostile_id_is_only_not_found(server: Server, target: str, hostile: str) -> None:
    """No path gets a 500 or writes a header of its own; bytes that are no UTF-8 are said to be."""
    answer = server.ask(target + hostile)
    if hostile in ("%ff", "%ED%A0%80") and target != "/static-offline-docs/":
        assert_problem(answer, 422, "invalid-parameters")
    else:
        assert_problem(answer, 404, "not-found")
    assert answer.headers["X"] is None


ALLOWED = {
    "/events": "GET, HEAD, POST",
    "/types/visit": "DELETE, GET, HEAD, PATCH, PUT",
    "/types/visit/restore": "POST",
    "/types/visit/revisions": "GET, HEAD",
    "/tags": "GET, HEAD",
    "/tags/energy": "GET, HEAD",
    "/publishers/turan": "GET, HEAD",
    "/changes": "GET, HEAD",
    "/healthz": "GET, HEAD",
    "/docs": "GET, HEAD",
}
WRONG = [
    (target, method)
    for target, allowed in ALLOWED.items()
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    if method not in allowed.split(", ")
]


@pytest.mark.parametrize(("target", "method"), WRONG)
def test_a_wrong_method_names_the_right_ones(server: Server, target: str, method: str) -> None:
    """RFC 9110 section 15.5.6."""
    answer = server.ask(target, method=method)
    assert answer.headers["Allow"] == ALLOWED[target]
    if method == "HEAD":
        assert (answer.status, answer.body) == (405, b"")
    else:
        assert_problem(answer, 405, "method-not-allowed")


@pytest.mark.parametrize(
    ("length", "status"), [(8192, 200), (8193, 414), (15_000, 414), (60_000, 431)]
)
def test_a_url_may_have_8_kib(server: Server, length: int, status: int) -> None:
    """Counted as path and query, as they are sent; beyond 16 KiB the head is too large."""
    filters = ("type=contract", "tag=energy", "publisher=turan", "source=turan-2022-11-21")
    target = "/events?limit=1&" + "&".join(part for part in filters for _ in range(50)) + "&q="
    rocket = "%F0%9F%9A%80"
    length += len("?")
    target += rocket * ((length - len(target)) // len(rocket))
    target += "a" * (length - len(target))
    answer = server.ask(target)
    if status == 200:
        assert answer.status == 200, answer.body
    else:
        assert_problem(answer, status, {414: "uri-too-long", 431: "headers-too-large"}[status])


@contextmanager
def without_documents(server: Server) -> Iterator[None]:
    """A table is gone, as nobody foresees."""
    run(server.database_url, "ALTER TABLE document RENAME TO document_away")
    try:
        yield
    finally:
        run(server.database_url, "ALTER TABLE document_away RENAME TO document")


@pytest.mark.parametrize("target", ["/events", "/events/aliyev-visit-belgrade-2022"])
def test_an_unforeseen_error_tells_nothing(changing: Server, target: str) -> None:
    """Its cause stands whole in the log, and nowhere in the answer, which any origin may read."""
    with without_documents(changing):
        run(changing.database_url, "CREATE VIEW document AS SELECT key FROM document_away")
        answer = changing.ask(target, {"Origin": ANYWHERE, "Accept-Encoding": "gzip"})
        run(changing.database_url, "DROP VIEW document")
    assert_problem(answer, 500, "internal-error")
    assert_open(answer)
    assert answer.json()["detail"] == "The error is in the server's log."
    assert "Traceback" in changing.log.read_text()
    assert "document" in changing.log.read_text()
    assert changing.ask(target).status == 200


COUNTING = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
ENDLESS = {
    "sqlite": f"({COUNTING} SELECT max(i) FROM n)",
    "postgresql": "(SELECT 1 FROM pg_sleep(60))",
}


@contextmanager
def with_slow_documents(server: Server) -> Iterator[None]:
    """Reading a document takes longer than anybody waits."""
    endless = ENDLESS[server.database_url.partition(":")[0].partition("+")[0]]
    view = f"SELECT key, body, terms FROM document_away WHERE {endless} IS NOT NULL"
    with without_documents(server):
        run(server.database_url, f"CREATE VIEW document AS {view}")
        try:
            yield
        finally:
            run(server.database_url, "DROP VIEW document")


def test_a_query_that_takes_too_long_is_refused(changing: Server) -> None:
    """After DATELINE_QUERY_SECONDS, saying what would narrow it; the server goes on."""
    with with_slow_documents(changing):
        started = time.monotonic()
        answer = changing.ask("/events", {"Origin": ANYWHERE})
        taken = time.monotonic() - started
        assert changing.ask("/types").status == 200
    assert_problem(answer, 422, "query-too-costly")
    assert_open(answer)
    assert "`date`" in answer.json()["detail"]
    assert 0.5 <= taken < 5
    assert changing.ask("/events").status == 200


@on_postgresql
def test_the_shortest_limit_is_a_limit(stores: Stores, seeded_template: str) -> None:
    """PostgreSQL counts in milliseconds, and 0 of them would be for ever."""
    store = Database(Settings(database_url=seeded_template, query_seconds=0.0001))
    with closing(store), pytest.raises(Problem, match="longer"), store.read() as connection:
        connection.execute(text("SELECT pg_sleep(5)"))


# -- a store that cannot be used ------------------------------------------------------------------


def assert_out_of_service(server: Server) -> None:
    """Reads say to try again, the process says it is alive and not ready."""
    for target in ("/events", "/types/visit", "/readyz"):
        answer = server.ask(target, {"Origin": ANYWHERE})
        assert_problem(answer, 503, "store-unavailable")
        assert_open(answer)
        assert int(answer.headers["Retry-After"]) > 0
    assert server.ask("/healthz").status == 200
    assert server.ask("/docs").status == 200


def test_while_the_file_is_away_reads_are_503(sqlite: str, tmp_path: Path) -> None:
    """And work again when it is back."""
    url = copy_of(sqlite, tmp_path)
    file = Path(url.removeprefix("sqlite:///"))
    with forked_server(url) as server:
        file.rename(tmp_path / "away")
        assert_out_of_service(server)
        (tmp_path / "away").rename(file)
        assert server.ask("/readyz").status == 200
        assert server.ask("/events").json()["total"] > 0


def test_while_the_file_is_damaged_reads_are_503(sqlite: str, tmp_path: Path) -> None:
    """Nothing is read from what is no database any more."""
    url = copy_of(sqlite, tmp_path)
    with forked_server(url) as server:
        Path(url.removeprefix("sqlite:///")).write_bytes(b"no database " * 1000)
        assert_out_of_service(server)


@on_postgresql
def test_while_postgresql_is_away_reads_are_503(changing: Server) -> None:
    """And work again when it is back: no connection that was lost is used twice."""
    url, _, name = changing.database_url.rpartition("/")
    assert changing.ask("/events").status == 200
    run(
        f"{url}/postgres",
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    try:
        assert_out_of_service(changing)
    finally:
        run(f"{url}/postgres", f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert changing.ask("/readyz").status == 200
    assert changing.ask("/events").status == 200


# -- the end of a server --------------------------------------------------------------------------


def test_a_server_that_is_told_to_end_ends(sqlite: str, tmp_path: Path) -> None:
    """Soon, though a client keeps its connection open, and the store is free again."""
    url = copy_of(sqlite, tmp_path)
    with forked_server(url) as server:
        idle = threading.Thread(target=server.raw, args=("GET /events HTTP/1.1\nHost: h\n\n",))
        idle.start()
        until(lambda: "GET /events" in server.log.read_text())
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(SECONDS)
        idle.join(SECONDS)
        assert not idle.is_alive()
        assert "Finished server process" in server.log.read_text()
        assert "Traceback" not in server.log.read_text()
    with opened(url) as store, store.exclusive():
        pass


@on_postgresql
def test_a_server_that_is_told_to_end_answers_first(stores: Stores, seeded_template: str) -> None:
    """What it has begun to read, it sends. On SQLite a signal waits for the read anyway."""
    url = stores.new(seeded_template)
    answers: list[Answer] = []
    waiting = text(
        "SELECT 1 FROM pg_stat_activity WHERE datname = :name AND wait_event_type = 'Lock'"
    ).bindparams(name=url.rpartition("/")[2])
    with forked_server(url, query_seconds="30") as server, administering(url) as engine:
        asking = threading.Thread(target=lambda: answers.append(server.ask("/events")))
        with engine.connect() as watch, engine.connect() as holder:
            holder.execute(text("BEGIN"))
            holder.execute(text("LOCK TABLE document"))
            asking.start()
            until(lambda: watch.scalar(waiting))
            server.process.send_signal(signal.SIGTERM)
            until(lambda: "Shutting down" in server.log.read_text())
            holder.execute(text("ROLLBACK"))
        server.process.wait(SECONDS)
        asking.join(SECONDS)
    assert [answer.status for answer in answers] == [200]
    assert json.loads(answers[0].body)["total"] > 0
