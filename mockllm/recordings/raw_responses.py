"""Single responses: output of `curl -i`, bodies alone, and interactions as one JSON object.

For the first two, `--request` names a file with the request, and `--path` its path.
"""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.rendering.plan import Headers
from mockllm.recordings.import_file import ImportFile, NotImported, header_pairs, of, parse_response
from mockllm.recordings.interaction import Interaction, RecordedRequest, RecordedResponse, local_path

HEAD: Final = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})[^\r\n]*\r?\n((?:[^\r\n]+\r?\n)*)\r?\n")

SENT: Final = re.compile(rb"^> [A-Z]+ [^\r\n]+ HTTP/\d", re.MULTILINE)
"""The request line in output of `curl -v`."""
VERBOSE: Final = re.compile(rb"^< HTTP/\d(?:\.\d)? \d{3}", re.MULTILINE)
"""The status line of a response in output of `curl -v`, behind the request line."""
CHUNK: Final = re.compile(rb"([0-9a-fA-F]+)[^\r\n]*\r\n")
"""The line before a chunk, with its size."""


def is_capture(raw: bytes) -> bool:
    """Return whether a file starts like an HTTP response."""
    return HEAD.match(raw) is not None


def curl_response(file: ImportFile) -> RecordedResponse:
    """Parse output of `curl -i`: the last head (redirects and `100 Continue` produce several), and the body."""
    raw = file.raw
    match = HEAD.match(raw)
    if match is None:
        raise NotImported(f"{file.name}:1:1: expected output of `curl -i`: a status line, headers, a body")
    while match is not None:
        status, lines, end = int(match[1]), match[2], match.end()
        followed = status < 200 or 300 <= status < 400 or (status == 200 and raw.startswith(b"HTTP/", end))
        match = HEAD.match(raw, end) if followed else None
    parted = [line.partition(":") for line in lines.decode("latin-1").splitlines()]
    pairs = [(name.strip(), value.strip()) for name, colon, value in parted if colon]
    return parse_response(status, pairs, _unchunked(raw[end:], pairs))


def _unchunked(raw: bytes, headers: list[tuple[str, str]]) -> bytes:
    """Return the body without its chunked framing, which `curl --raw` leaves in place."""
    coding = next((value for name, value in headers if name.lower() == "transfer-encoding"), "")
    if coding.lower() != "chunked" or not re.match(rb"[0-9a-fA-F]+\r\n", raw):
        return raw
    chunks, at = [], 0
    while at <= len(raw) and (match := CHUNK.match(raw, at)):
        size = int(match[1], 16)
        chunks.append(raw[match.end() : match.end() + size])
        at = match.end() + size + 2
        if not size:
            return b"".join(chunks)
    return raw


def body_response(file: ImportFile) -> RecordedResponse:
    """Return a response from a body alone: JSON, or an event stream. Raises NotImported."""
    raw = file.raw
    if (sent := SENT.search(raw)) and (verbose := VERBOSE.search(raw, sent.end())):
        line = raw.count(b"\n", 0, verbose.start()) + 1
        raise NotImported(f"{file.name}:{line}:1: output of `curl -v` is no response: use `curl -i`")
    try:
        loads(raw)
        kind = "application/json"
    except JSONDecodeError:
        streamed = re.match(rb"(?:event|data|id|retry)?:", raw.lstrip()) is not None
        kind = "text/event-stream" if streamed else "text/plain; charset=utf-8"
    return parse_response(200, {"content-type": kind}, raw)


def request(file: ImportFile, path: str) -> RecordedRequest:
    """Return a request from its body and its path."""
    bare, _, query = path.partition("?")
    if not bare.startswith("/"):
        raise NotImported(f"--path: expected a path such as /v1/chat/completions, found {path!r}")
    headers: Headers = (("content-type", "application/json"),)
    return RecordedRequest("POST" if file.raw else "GET", bare, query, headers, file.raw)


def is_exchange(data: Json) -> bool:
    """Return whether the data is `{request: {method, path, …}, response: {status, headers, body}}`."""
    response = of(data, "response")
    return isinstance(data, dict) and "response" in data and isinstance(of(response, "status"), int)


def exchange(file: ImportFile) -> Interaction:
    """Import one exchange. Raises NotImported for a response without its request."""
    data = file.data
    request, response = of(data, "request"), data["response"]
    where = file.where(())
    raw = of(response, "body")
    body = file.to_bytes(raw, ("response", "body"))
    if of(response, "body_encoding") == "base64":
        body = file.from_base64(str(raw), ("response", "body"))
    note = f"{where}: the body was recorded as JSON, not as bytes; it is written compactly"
    if not isinstance(request, dict) or not isinstance(of(request, "path"), str):
        raise NotImported(f"{where}: a response without its request: use --request and --path")
    method = str(of(request, "method") or "POST").upper()
    query, host = of(request, "query"), of(request, "host")
    if isinstance(query, dict):
        query = "&".join(f"{name}={value}" for name, value in query.items())
    headers = header_pairs(of(request, "headers"))
    recorded = RecordedRequest(
        method,
        local_path(host if isinstance(host, str) else None, request["path"], method, headers),
        query if isinstance(query, str) else "",
        headers,
        file.to_bytes(request.get("body"), ("request", "body")),
    )
    notes = (note,) if isinstance(raw, dict | list) else ()
    return Interaction(
        recorded, parse_response(response["status"], of(response, "headers"), body), where, notes=notes
    )
