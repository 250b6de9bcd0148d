"""Requests with files and batches for a virtual server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

BOUNDARY = "xyz"


def form(fields: Mapping[str, str], file: tuple[str, bytes] | None, type: str = "text/plain") -> bytes:
    """Return a multipart body."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if file is not None:
        name, content = file
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {type}'
        parts.append(f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def upload(
    purpose: str = "batch", name: str = "in.jsonl", content: bytes = b"{}\n", life: str | None = None
) -> ClientRequest:
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    fields = {} if life is None else {"expires_after[anchor]": "created_at", "expires_after[seconds]": life}
    body = form({"purpose": purpose, **fields}, (name, content))
    return raw_request("/v1/files", body, headers=headers)


def line(text: str, key: str, **more: Any) -> dict[str, Any]:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    return {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}


def get(path: str, after: float = 0.0, query: str = "", method: str = "GET") -> ClientRequest:
    """Return a request that comes some seconds after the others."""
    return ClientRequest(path, method=method, query=query, now=NOW + after)


def create(server: VirtualServer, lines: Iterable[Any], **fields: Any) -> ClientResponse:
    """Upload the lines and create a batch of them."""
    written = (each if isinstance(each, str) else json.dumps(each) for each in lines)
    file = server.respond(upload(content="\n".join(written).encode())).json
    body = {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    return server.respond(raw_request("/v1/batches", {**body, **fields}))
