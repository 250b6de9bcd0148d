"""Requests with Mistral's files and batch jobs for a virtual server."""

from __future__ import annotations

import json
from typing import Any

from mockllm.core.json.codec import Json
from tests.dialects.openai.batches.batch_requests import BOUNDARY, form, get
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request

FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
JOBS = "/mistral/v1/batch/jobs"
FILES = "/mistral/v1/files"


def line(text: str, key: str | None = None, **more: Json) -> dict[str, Json]:
    return {"custom_id": key, "body": {"messages": [{"role": "user", "content": text}], **more}}


def upload(
    server: VirtualServer, content: bytes = b"{}\n", name: str = "in.jsonl", **fields: str
) -> ClientResponse:
    return server.respond(raw_request(FILES, form(fields, (name, content)), headers=FORM))


def upload_lines(server: VirtualServer, *lines: Any) -> str:
    """Upload the input of a job. Return the id of the file."""
    written = (each if isinstance(each, str) else json.dumps(each) for each in lines)
    id: str = upload(server, "\n".join(written).encode(), purpose="batch").json["id"]
    return id


def create(server: VirtualServer, **fields: Json) -> ClientResponse:
    body = {"endpoint": "/v1/chat/completions", "model": "mistral-small-latest", **fields}
    return server.respond(raw_request(JOBS, body))


def ended(server: VirtualServer, id: str, query: str = "") -> Any:
    """Return the job as a read after some seconds finds it."""
    return server.respond(get(f"{JOBS}/{id}", 9.0, query)).json


def lines_of(server: VirtualServer, file: str) -> list[Any]:
    content = server.respond(get(f"{FILES}/{file}/content", 9.0)).bytes
    return [json.loads(text) for text in content.splitlines()]
