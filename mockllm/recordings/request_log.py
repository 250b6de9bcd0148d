"""Logs of requests, one JSON object in each line, as OpenAI's batches and most gateways write them.

Each line holds a request and its answer: `{"request": {…}, "response": {…}}` with bodies inside or plain, beside
them perhaps `url` or `path`, `method`, `status`, `latency_ms`; batches have `body` and `response.status_code`, what
was asked and what was answered in two files (source: OpenAI's guide of its Batch API).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final, cast

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.dialects.dialect import GeneratingDialect
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import REGISTERED
from mockllm.recordings.import_file import (
    ImportFile,
    NotImported,
    header_pairs,
    of,
    parse_request,
    parse_response,
)
from mockllm.recordings.interaction import Interaction, Pairs

UNKNOWN: Final = NeutralRequest(model="unknown")


@cache
def _usual_paths() -> tuple[tuple[frozenset[str], str], ...]:
    """The fields that identify a body, and the path that such a body is sent to; the most fields first."""
    calls = [call for provider in REGISTERED for call in provider.calls if call.body_fields]
    calls.sort(key=lambda call: -len(call.body_fields))
    return tuple(
        (frozenset(call.body_fields), cast(GeneratingDialect, call.dialect).build_request(UNKNOWN).path)
        for call in calls
    )


def is_format(raw: bytes) -> bool:
    """Whether its lines are JSON objects, the first of them with a request or a response."""
    first = _first_of(raw)
    return isinstance(first, dict) and bool({"response", "response_body", "completion"} & first.keys())


def _first_of(raw: bytes) -> Json:
    lines = [line for line in raw.splitlines() if line.strip()]
    try:
        return loads(lines[0]) if lines else None
    except JSONDecodeError:
        return None


def is_batch(raw: bytes) -> bool:
    """Whether its first line is an answer whose request stands elsewhere."""
    first = _first_of(raw)
    return isinstance(first, dict) and "custom_id" in first and "response" in first


def interactions(
    file: ImportFile, path: str | None = None, requests: ImportFile | None = None
) -> Iterator[Interaction | str]:
    """Each line's, or a note where nothing was answered. `path` is where all of them were sent; `requests` is a log
    of its own that holds what was asked, by `custom_id`, as the input of a batch does for its output. Raises
    NotImported."""
    asked = {} if requests is None else {entry.get("custom_id"): entry for _, entry in _entries(requests)}
    for where, entry in _entries(file):
        if requests is not None:
            found = asked.get(entry.get("custom_id"))
            if found is None:
                raise NotImported(f"{where}: {requests.name} asks nothing with this custom_id")
            entry = {**found, **{key: value for key, value in entry.items() if key != "id"}}
        yield _interaction(entry, where, path)


def _entries(file: ImportFile) -> Iterator[tuple[str, dict[str, Json]]]:
    """The objects, each with its place."""
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
        yield where, entry


def _interaction(entry: dict[str, Json], where: str, path: str | None) -> Interaction | str:
    request, response = entry.get("request"), entry.get("response", entry.get("completion"))
    body = _first(of(request, "body"), entry.get("body"), entry.get("request_body"), request)
    if body is None:
        raise NotImported(f"{where}: expected what was asked, as request_body, body or request")
    if response is None and "response_body" not in entry:
        return (
            f"{where}: expected what was answered, as response_body, response or completion; it is left out"
        )
    said = _first(of(response, "body"), entry.get("response_body"), response)
    fields = _parsed(body)
    url, notes = _place(entry, fields, path, where)
    if fields.get("stream") is True and not isinstance(said, str):
        notes.append(
            f"{where}: the request asked for a stream, and the log holds a whole answer: so it is replayed"
        )
    apart = isinstance(of(request, "body"), str | dict)  # else the request is its body
    return Interaction(
        parse_request(
            str(entry.get("method") or of(request, "method") or "POST"),
            url,
            header_pairs(of(request, "headers") if apart else None),
            _raw(body),
        ),
        parse_response(_status(entry, response), _headers(response, said), _raw(said), _latency(entry)),
        where,
        notes=tuple(notes),
    )


def _first(*values: Json) -> Json:
    """The first that says something."""
    return next((each for each in values if each), None)


def _raw(body: Json) -> bytes:
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else dumps(body)


def _place(
    entry: dict[str, Json], fields: dict[str, Json], path: str | None, where: str
) -> tuple[str, list[str]]:
    """Where it was sent, and what is to be told of that."""
    url = path or _url(entry, entry.get("request"))
    if url is not None:
        return url, []
    url = next((path for names, path in _usual_paths() if names <= set(fields)), None)
    if url is None:
        raise NotImported(f"{where}: nothing tells the path that was asked: give --path")
    return url, [f"{where}: the log tells no path; taken for {url} (--path says otherwise)"]


def _status(entry: dict[str, Json], response: Json) -> int:
    told = (
        entry.get("status"),
        entry.get("status_code"),
        of(response, "status_code"),
        of(response, "status"),
    )
    return next((each for each in told if type(each) is int), 200)


def _headers(response: Json, said: Json) -> Pairs:
    headers = header_pairs(of(response, "headers"))
    if any(name.lower() == "content-type" for name, _ in headers):
        return headers
    streamed = isinstance(said, str) and said.lstrip().startswith(("data:", "event:"))
    return (*headers, ("content-type", "text/event-stream" if streamed else "application/json"))


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
