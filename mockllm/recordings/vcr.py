"""VCR cassettes: of vcrpy (Python, YAML or JSON), of VCR for Ruby, and of tools with the same format.

Sources: vcrpy's serializers (`interactions: [{request: {method, uri, body, headers}, response: {status: {code,
message}, headers, body: {string}}}]`), VCR for Ruby (`http_interactions`, bodies as `{encoding, string}` or
`{encoding, base64_string}`); go-vcr 3 (`interactions` with `request.url`, `response.code`, `response.body` and a
`duration`).
"""

from __future__ import annotations

from collections.abc import Iterator

from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import parse_duration
from mockllm.recordings.import_file import ImportFile, NotImported, of, parse_request, parse_response
from mockllm.recordings.interaction import Interaction
from mockllm.scenario.diagnostics import Path

LISTS = ("interactions", "http_interactions")


def is_format(data: Json) -> bool:
    return isinstance(data, dict) and any(isinstance(data.get(name), list) for name in LISTS)


def interactions(file: ImportFile) -> Iterator[Interaction]:
    name = next(name for name in LISTS if isinstance(of(file.data, name), list))
    for index, entry in enumerate(file.data[name]):
        yield _interaction(file, entry, (name, index))


def _interaction(file: ImportFile, entry: Json, path: Path) -> Interaction:
    request, response = of(entry, "request"), of(entry, "response")
    url = of(request, "uri") or of(request, "url")
    if not isinstance(url, str) or not isinstance(response, dict):
        raise NotImported(f"{file.where(path)}: expected a request with a uri, and a response")
    status = of(response, "status")
    code = of(status, "code") or response.get("code") or response.get("status_code")
    if not isinstance(code, int):
        raise NotImported(f"{file.where((*path, 'response'))}: expected a status code")
    method = str(of(request, "method") or "GET")
    body = _body(file, of(request, "body"), (*path, "request", "body"))
    key = "content" if response.get("body") is None else "body"
    content = _body(file, response.get(key), (*path, "response", key))
    return Interaction(
        parse_request(method, url, of(request, "headers"), body, file.where(path)),
        parse_response(code, response.get("headers"), content, _duration(response)),
        file.where(path),
    )


def _body(file: ImportFile, body: Json, path: Path) -> bytes:
    """Return a body from a string, or from an object with a string or base64."""
    if not isinstance(body, dict):
        return file.to_bytes(body, path)
    for key in ("base64_string", "base64"):
        if isinstance(body.get(key), str):
            return file.from_base64(body[key], (*path, key))
    if "string" in body:
        return file.to_bytes(body["string"], (*path, "string"))
    return file.to_bytes(body, path)


def _duration(response: Json) -> float:
    """Return the duration of the response in seconds, if the cassette has it."""
    duration = response.get("duration")
    try:
        return parse_duration(duration) if isinstance(duration, str) else 0.0
    except ValueError:
        return 0.0
