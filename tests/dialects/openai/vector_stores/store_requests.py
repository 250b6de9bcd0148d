"""Requests to vector stores for a virtual server."""

from __future__ import annotations

from typing import Any

from tests.dialects.openai.batches.batch_requests import upload
from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

STORES = "/v1/vector_stores"
DONE = 0.2
"""Seconds after which a file is processed."""


def send(
    server: VirtualServer,
    path: str,
    body: Any = None,
    after: float = 0.0,
    method: str | None = None,
    **more: Any,
) -> ClientResponse:
    """Return the response of a call below /v1/vector_stores: a GET where it has no body."""
    verb = method or ("GET" if body is None else "POST")
    return server.respond(raw_request(STORES + path, body, method=verb, now=NOW + after, **more))


def file(server: VirtualServer, content: bytes = b"Paris has a tower.", name: str = "paris.txt") -> str:
    """Upload a file; return its id."""
    id: str = server.respond(upload("assistants", name, content)).json["id"]
    return id


def store(server: VirtualServer, *texts: str, **fields: Any) -> str:
    """Create a store of files with these texts, a.txt, b.txt and so on; return its id."""
    files = [file(server, text.encode(), f"{chr(97 + place)}.txt") for place, text in enumerate(texts)]
    response = send(server, "", {"file_ids": files, **fields})
    assert response.status == 200, response.json
    id: str = response.json["id"]
    return id


def files_in(server: VirtualServer, id: str, query: str = "", after: float = DONE) -> list[Any]:
    """Return the files of a store, the oldest first."""
    path = f"{STORES}/{id}/files"
    request = ClientRequest(path, method="GET", query=f"order=asc&{query}", now=NOW + after)
    listed: list[Any] = server.respond(request).json["data"]
    return listed
