"""Batches on a server that runs: created from lines, and read when they have ended."""

from __future__ import annotations

import json
from typing import Any, Protocol
from urllib.request import Request, urlopen

from tests.dialects.openai.batches.batch_requests import BOUNDARY, form, line
from tests.waiting import until


class Reachable(Protocol):
    """A server with an address."""

    @property
    def url(self) -> str: ...


def call(server: Reachable, path: str, body: Any = None, **headers: str) -> Any:
    """Return the JSON of a response; a body of bytes is a form."""
    if isinstance(body, bytes):
        headers["content-type"] = f"multipart/form-data; boundary={BOUNDARY}"
    elif body is not None:
        body, headers["content-type"] = json.dumps(body).encode(), "application/json"
    with urlopen(Request(server.url + path, body, headers)) as response:
        text = response.read().decode()
    return text if path.endswith("/content") else json.loads(text)


def created(server: Reachable, *texts: str, prefix: str = "", **headers: str) -> str:
    """Create a batch, and return its id."""
    content = "\n".join(
        json.dumps(line(text, f"line {number}")) for number, text in enumerate(texts)
    ).encode()
    upload = form({"purpose": "batch"}, ("in.jsonl", content))
    file = call(server, f"{prefix}/v1/files", upload, **headers)["id"]
    fields = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    return str(call(server, f"{prefix}/v1/batches", fields, **headers)["id"])


def lines_of(server: Reachable, id: str, prefix: str = "", **headers: str) -> tuple[Any, list[Any]]:
    """Wait until a batch has ended. Return it with its lines."""

    def read() -> Any:
        batch = call(server, f"{prefix}/v1/batches/{id}", **headers)
        return batch if batch["status"] == "completed" else None

    batch = until(read)
    files = [batch[name] for name in ("output_file_id", "error_file_id") if batch[name]]
    contents = [call(server, f"{prefix}/v1/files/{file}/content", **headers) for file in files]
    return batch, [json.loads(text) for content in contents for text in content.splitlines()]


def ended(server: Reachable, *texts: str, prefix: str = "", **headers: str) -> tuple[Any, list[Any]]:
    """Return a batch that has ended, and its lines."""
    id = created(server, *texts, prefix=prefix, **headers)
    return lines_of(server, id, prefix, **headers)


def text_of(line: Any) -> Any:
    return line["response"]["body"]["choices"][0]["message"]["content"]
