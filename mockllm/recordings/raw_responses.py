"""Answers without their requests: `curl -i` captures, bare bodies, and exchanges as one JSON object each.

Of the first two the request stands in a file of its own (`--request`), and its path in an option (`--path`).
"""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.recordings.hosts import placed
from mockllm.recordings.import_file import ImportFile, NotImported, header_pairs, of, parse_response
from mockllm.recordings.interaction import Interaction, Pairs, RecordedRequest, RecordedResponse

HEAD: Final = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})[^\r\n]*\r?\n((?:[^\r\n]+\r?\n)*)\r?\n")


def is_capture(raw: bytes) -> bool:
    """Whether it begins like an HTTP answer."""
    return HEAD.match(raw) is not None


def captured(file: ImportFile) -> RecordedResponse:
    """What `curl -i` wrote: the last head (of redirects and `100 Continue` there are several), and the body."""
    raw = file.raw
    found = HEAD.match(raw)
    if found is None:
        raise NotImported(f"{file.name}:1:1: expected what `curl -i` writes: a status line, headers, a body")
    while found is not None:
        status, lines, raw = int(found[1]), found[2], raw[found.end() :]
        found = (
            HEAD.match(raw)
            if status < 200 or 300 <= status < 400 or (status == 200 and _again(raw))
            else None
        )
    pairs = []
    for line in lines.decode("latin-1").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            pairs.append((name.strip(), value.strip()))
    return parse_response(status, tuple(pairs), _chunks(raw, pairs))


def _again(raw: bytes) -> bool:
    return raw.startswith(b"HTTP/")


def _chunks(raw: bytes, headers: list[tuple[str, str]]) -> bytes:
    """The body out of its chunks, where curl was told to leave them (`--raw`)."""
    coding = next((value for name, value in headers if name.lower() == "transfer-encoding"), "")
    if coding.lower() != "chunked" or not re.match(rb"[0-9a-fA-F]+\r\n", raw):
        return raw
    body, at = b"", 0
    while found := re.compile(rb"([0-9a-fA-F]+)[^\r\n]*\r\n").match(raw, at):
        size = int(found[1], 16)
        body += raw[found.end() : found.end() + size]
        at = found.end() + size + 2
        if not size:
            return body
    return raw


def plain(raw: bytes) -> RecordedResponse:
    """A body alone: JSON, or the text of an event stream."""
    try:
        loads(raw)
        kind = "application/json"
    except JSONDecodeError:
        streamed = re.match(rb"(?:event|data|id|retry)?:", raw.lstrip()) is not None
        kind = "text/event-stream" if streamed else "text/plain; charset=utf-8"
    return parse_response(200, (("content-type", kind),), raw)


def request(file: ImportFile, path: str) -> RecordedRequest:
    """A request's body, and the path that it was sent to."""
    bare, _, query = path.partition("?")
    if not bare.startswith("/"):
        raise NotImported(f"--path: expected a path such as /v1/chat/completions, found {path!r}")
    headers: Pairs = (("content-type", "application/json"),)
    return RecordedRequest("POST" if file.raw else "GET", bare, query, headers, file.raw)


def is_exchange(data: Json) -> bool:
    """Whether it is `{request: {method, path, …}, response: {status, headers, body}}`."""
    response = of(data, "response")
    return isinstance(data, dict) and "response" in data and isinstance(of(response, "status"), int)


def exchange(file: ImportFile) -> Interaction:
    """One exchange. Without a request, the answer's own protocol tells a path nobody asks: it is said."""
    data = file.data
    request, response = of(data, "request"), data["response"]
    where = file.where(())
    headers = header_pairs(of(response, "headers"))
    raw = of(response, "body")
    body = file.held(raw, ("response", "body"))
    if of(response, "body_encoding") == "base64":
        body = file.unpacked(str(raw), ("response", "body"))
    notes = []
    if isinstance(raw, dict | list):
        notes.append(f"{where}: the body was recorded as JSON, not as bytes; it is written compactly")
    if not isinstance(request, dict) or not isinstance(of(request, "path"), str):
        raise NotImported(f"{where}: an answer without its request: give --request and --path")
    method = str(of(request, "method") or "POST").upper()
    query = of(request, "query")
    pairs = [f"{name}={value}" for name, value in query.items()] if isinstance(query, dict) else []
    host = of(request, "host")
    asked = RecordedRequest(
        method,
        placed(host if isinstance(host, str) else None, request["path"]),
        "&".join(pairs) or (query if isinstance(query, str) else ""),
        header_pairs(of(request, "headers")),
        _sent(request.get("body")),
    )
    return Interaction(asked, parse_response(response["status"], headers, body), where, notes=tuple(notes))


def _sent(body: Json) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else dumps(body)
