"""Logs of requests with one JSON object in each line, as OpenAI's batches and most gateways write them.

Each line contains a request and its response: `{"request": {…}, "response": {…}}`, with or without a `body` inside,
and optionally `url` or `path`, `method`, `status`, `latency_ms`. Batches have `body` and `response.status_code`, with
the requests and the responses in two files (source: OpenAI's guide of its Batch API).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final, cast

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.dialects.dialect import ReplyDialect
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
from mockllm.recordings.interaction import Interaction

UNKNOWN: Final = NeutralRequest(model="unknown")


@cache
def _default_paths() -> tuple[tuple[frozenset[str], str], ...]:
    """Return the fields that identify a body with the path of such requests, the most fields first."""
    calls = [call for provider in REGISTERED for call in provider.calls if call.body_fields]
    calls.sort(key=lambda call: -len(call.body_fields))
    return tuple(
        (frozenset(call.body_fields), cast(ReplyDialect, call.dialect).build_request(UNKNOWN).path)
        for call in calls
    )


def is_format(raw: bytes) -> bool:
    """Return whether the lines are JSON objects, and the first one contains a response."""
    first = _first_of(raw)
    return isinstance(first, dict) and bool({"response", "response_body", "completion"} & first.keys())


def _first_of(raw: bytes) -> Json:
    lines = [line for line in raw.splitlines() if line.strip()]
    try:
        return loads(lines[0]) if lines else None
    except JSONDecodeError:
        return None


def is_batch(raw: bytes) -> bool:
    """Return whether the first line is a response without its request."""
    first = _first_of(raw)
    return isinstance(first, dict) and "custom_id" in first and "response" in first


def interactions(
    file: ImportFile, path: str | None = None, requests: ImportFile | None = None
) -> Iterator[Interaction | str]:
    """Yield the interaction of each line, or a note on a request without a response.

    `path` is the path of all requests. `requests` is a separate log of requests by `custom_id`, as the input of a
    batch is for its output. Raises NotImported.
    """
    by_id = {} if requests is None else {_custom_id(entry): entry for _, entry in _entries(requests)}
    for where, entry in _entries(file):
        if requests is not None:
            id = _custom_id(entry)
            request = by_id.get(id)
            if request is None or id is None:
                raise NotImported(f"{where}: {requests.name} has no request with this custom_id")
            entry = {**request, **{key: value for key, value in entry.items() if key != "id"}}
        yield _interaction(entry, where, path)


def _custom_id(entry: dict[str, Json]) -> str | None:
    """Return the id by which a batch finds the request of a response; None without one. Some gateways accept whole
    numbers as ids."""
    id = entry.get("custom_id")
    return str(id) if type(id) in (str, int) else None


def _entries(file: ImportFile) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield the objects with their positions."""
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
        raise NotImported(f"{where}: expected a request, as request_body, body or request")
    if response is None and "response_body" not in entry:
        return f"{where}: expected a response, as response_body, response or completion; the line is left out"
    payload = _first(of(response, "body"), entry.get("response_body"), response)
    fields = _parsed(body)
    url, notes = _path_of(entry, fields, path, where)
    if fields.get("stream") is True and not isinstance(payload, str):
        notes.append(
            f"{where}: the request is streaming, but the log has a non-streaming response, which is replayed as such"
        )
    separate = isinstance(of(request, "body"), str | dict)  # else the request is its body
    method = str(entry.get("method") or of(request, "method") or "POST")
    return Interaction(
        parse_request(method, url, of(request, "headers") if separate else None, _raw(body), where),
        parse_response(_status(entry, response), _headers(response, payload), _raw(payload), _latency(entry)),
        where,
        notes=tuple(notes),
    )


def _first(*values: Json) -> Json:
    """Return the first value that is not empty."""
    return next((value for value in values if value), None)


def _raw(body: Json) -> bytes:
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else dumps(body)


def _path_of(
    entry: dict[str, Json], fields: dict[str, Json], path: str | None, where: str
) -> tuple[str, list[str]]:
    """Return the path of a request, and notes about it."""
    url = path or _url(entry, entry.get("request"))
    if url is not None:
        return url, []
    url = next((path for names, path in _default_paths() if names <= fields.keys()), None)
    if url is None:
        raise NotImported(f"{where}: the log contains no path: use --path")
    return url, [f"{where}: the log contains no path; {url} is assumed (--path overrides this)"]


def _status(entry: dict[str, Json], response: Json) -> int:
    values = (*map(entry.get, ("status", "status_code")), of(response, "status_code"), of(response, "status"))
    return next((value for value in values if type(value) is int), 200)


def _headers(response: Json, payload: Json) -> Json:
    headers = header_pairs(of(response, "headers"))
    if any(name.lower() == "content-type" for name, _ in headers):
        return headers
    streamed = isinstance(payload, str) and payload.lstrip().startswith(("data:", "event:"))
    return (*headers, ("content-type", "text/event-stream" if streamed else "application/json"))


def _parsed(body: Json) -> dict[str, Json]:
    try:
        fields = loads(body) if isinstance(body, str) else body
    except JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _url(entry: dict[str, Json], request: Json) -> str | None:
    keys = ("url", "path", "endpoint", "uri")
    values = (of(holder, key) for holder in (entry, request) for key in keys)
    return next((value for value in values if isinstance(value, str)), None)


def _latency(entry: dict[str, Json]) -> float:
    for key, unit in (("latency_ms", 1000), ("duration_ms", 1000), ("latency", 1), ("duration", 1)):
        if isinstance(entry.get(key), int | float):
            return max(0.0, float(entry[key]) / unit)
    return 0.0
