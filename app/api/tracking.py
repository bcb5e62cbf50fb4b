"""Requests without the tracking parameters that mailings and platforms add to links."""

from fastapi import Request

from app import addresses


def strip_tracking(request: Request) -> Request:
    """Return the request without tracking parameters; keep the rest of the query as it is."""
    query: bytes = request.scope["query_string"]
    rest = addresses.clean_query(query.decode("latin-1"))
    return Request({**request.scope, "query_string": rest.encode("latin-1")}, request.receive)
