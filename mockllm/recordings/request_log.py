"""Logs of requests, one JSON object in each line, as OpenAI's batches and most gateways write them.

Each line holds a request and its answer: `{"request": {…}, "response": {…}}` with bodies inside or plain, beside
them perhaps `url` or `path`, `method`, `status`, `latency_ms`; batches have `body` and `response.status_code`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json import Json, JSONDecodeError, dumps, loads
from mockllm.recordings.interaction import Interaction
from mockllm.recordings.material import Material, NotImported, answered, asked, header_pairs, of

USUAL: Final = (
    ("messages", "anthropic_version", "/v1/messages"),
    ("messages", "messages", "/v1/chat/completions"),
    ("contents", "contents", "/v1beta/models/unknown:generateContent"),
    ("input", "input", "/v1/responses"),
    ("prompt", "prompt", "/v1/completions"),
)
"""Where a body with two such fields is sent to, if nothing tells the path."""


def is_one(raw: bytes) -> bool:
    """Whether its lines are JSON objects, the first of them with a request or a response."""
    lines = [line for line in raw.splitlines() if line.strip()]
    try:
        first = loads(lines[0]) if lines else None
    except JSONDecodeError:
        return False
    return isinstance(first, dict) and bool({"response", "response_body", "completion"} & first.keys())


def interactions(file: Material, path: str | None = None) -> Iterator[Interaction]:
    for number, line in enumerate(file.raw.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{file.name}:{number}:1"
        try:
            entry = loads(line)
        except JSONDecodeError as error:
            raise NotImported(f"{file.name}:{number}:{error.colno}: this is not JSON: {error.msg}") from None
        if not isinstance(entry, dict):
            raise NotImported(f"{where}: expected an object with a request and a response")
        yield _interaction(entry, where, path)


def _interaction(entry: dict[str, Json], where: str, path: str | None) -> Interaction:
    request, response = entry.get("request"), entry.get("response", entry.get("completion"))
    body = next(
        (
            each
            for each in (of(request, "body"), entry.get("body"), entry.get("request_body"), request)
            if each
        ),
        None,
    )
    if body is None or (response is None and "response_body" not in entry):
        raise NotImported(f"{where}: expected a request and a response")
    said = next((each for each in (of(response, "body"), entry.get("response_body"), response) if each), None)
    sent = body.encode() if isinstance(body, str) else dumps(body)
    fields = _parsed(body)
    url, notes = path or _url(entry, request), []
    if url is None:
        url = next((to for one, two, to in USUAL if one in fields and two in fields), None)
        if url is None:
            raise NotImported(f"{where}: nothing tells the path that was asked: give --path")
        notes.append(f"{where}: the log tells no path; taken for {url} (--path says otherwise)")
    status = next(
        (
            each
            for each in (
                entry.get("status"),
                entry.get("status_code"),
                of(response, "status_code"),
                of(response, "status"),
            )
            if isinstance(each, int)
        ),
        200,
    )
    text = said.encode() if isinstance(said, str) else dumps(said)
    headers = header_pairs(of(response, "headers"))
    if not any(name.lower() == "content-type" for name, _ in headers):
        streamed = isinstance(said, str) and said.lstrip().startswith(("data:", "event:"))
        headers = (*headers, ("content-type", "text/event-stream" if streamed else "application/json"))
    if fields.get("stream") is True and not isinstance(said, str):
        notes.append(
            f"{where}: the request asked for a stream, and the log holds a whole answer: so it is replayed"
        )
    method = entry.get("method") or of(request, "method") or "POST"
    return Interaction(
        asked(
            str(method),
            url,
            header_pairs(of(request, "headers") if isinstance(of(request, "body"), str | dict) else None),
            sent,
        ),
        answered(status, headers, text, _latency(entry)),
        where,
        notes=tuple(notes),
    )


def _parsed(body: Json) -> dict[str, Json]:
    try:
        found = loads(body) if isinstance(body, str) else body
    except JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _url(entry: dict[str, Json], request: Json) -> str | None:
    for holder in (entry, request):
        for key in ("url", "path", "endpoint", "uri"):
            found = of(holder, key)
            if isinstance(found, str):
                return found
    return None


def _latency(entry: dict[str, Json]) -> float:
    for key, unit in (("latency_ms", 1000), ("duration_ms", 1000), ("latency", 1), ("duration", 1)):
        if isinstance(entry.get(key), int | float):
            return max(0.0, float(entry[key]) / unit)
    return 0.0
