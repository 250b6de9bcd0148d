"""An imported scenario file gets the recorded requests again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mockllm.core.json.codec import dumps
from mockllm.recordings.import_file import ImportFile
from mockllm.recordings.raw_responses import exchange
from tests.language.virtual_server import ClientRequest, VirtualServer

TRANSCRIPTS = Path(__file__).resolve().parents[3] / "shared" / "transcripts"


def transcripts() -> Iterator[tuple[str, dict[str, Any]]]:
    """Recordings of live providers, where they are at hand, by name. Responses without a request get one."""
    for file in sorted(TRANSCRIPTS.glob("*/*.json")):
        recorded = json.loads(file.read_bytes())
        if not recorded.get("request"):
            recorded["request"] = {
                "method": "POST",
                "path": "/v1/chat/completions",
                "body": {"of": file.name},
            }
        elif recorded["request"].get("path") is None:
            recorded["request"] |= {"method": "POST", "path": "/v1/chat/completions"}
        yield file.name, recorded


def expected(recorded: dict[str, Any]) -> bytes:
    """The body that was recorded."""
    body = recorded["response"]["body"]
    if recorded["response"].get("body_encoding") == "base64":
        return base64.b64decode(body)
    return body.encode() if isinstance(body, str) else b"" if body is None else dumps(body)


def replayed(text: str, recorded: dict[str, Any]) -> str:
    """`same` where the recorded response comes back byte for byte, else what differs."""
    request = exchange(ImportFile("x", dumps(recorded))).request
    reply = VirtualServer(text).respond(
        ClientRequest(request.path, request.body, request.method, request.query_string, dict(request.headers))
    )
    response = recorded["response"]
    if reply.id is None:
        return f"no rule: {reply.bytes[:300]!r}"
    if reply.status != response["status"]:
        return f"status {reply.status}"
    body = expected(recorded)
    return "same" if reply.bytes == body else f"bytes: {reply.bytes[:200]!r} for {body[:200]!r}"
