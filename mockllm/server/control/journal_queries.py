"""The journal as the control API tells it: filtered, in pages, one in full, and exported."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from mockllm import __version__
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.redaction import redact_text
from mockllm.core.request.request import Request
from mockllm.engine import Engine
from mockllm.engine.near_misses import near_miss_line, nearest
from mockllm.engine.session_id import PREFIX, SESSION, without
from mockllm.server.control.api_types import visible
from mockllm.server.control.models.resources import (
    HeaderPair,
    JournalChunk,
    JournalRequest,
    JournalResponse,
    RequestDetail,
    RequestFilter,
    RequestPage,
    RequestQuery,
    RequestSummary,
)
from mockllm.server.control.time_slices import TimeSlices
from mockllm.server.journal import redaction
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.journal import Journal
from mockllm.server.journal.reconstruction import SentResponse, reconstruct


async def page(journal: Journal, query: RequestQuery) -> RequestPage:
    """The requests that a query asks for."""
    forward = query.after is not None
    found: list[RequestSummary] = []
    slices = TimeSlices()
    for each in iter(journal) if forward else reversed(journal):
        await slices.turn()
        if len(found) == query.limit:
            break
        if query.after is not None and each.number <= query.after:
            continue
        if query.before is not None and each.number >= query.before:
            continue
        if matches_filter(query, each):
            found.append(summary(each))
    return RequestPage(
        requests=found,
        total=journal.total,
        kept=len(journal),
        bytes=journal.bytes,
        most=journal.size,
        most_bytes=journal.room,
    )


def matches_filter(wanted: RequestFilter, each: JournalEntry) -> bool:
    """Whether a request is one of those."""
    plain = (
        (wanted.session, each.session),
        (wanted.endpoint, each.endpoint),
        (wanted.provider, each.provider),
        (wanted.model, each.model),
        (wanted.status, each.status),
        (wanted.key, each.key),
        (wanted.client, each.client),
        (wanted.missed, each.missed),
        (wanted.left, each.left),
    )
    return (
        all(asked is None or asked == found for asked, found in plain)
        and (wanted.rule is None or is_called(each.rule, wanted.rule))
        and (wanted.path is None or each.path.startswith(wanted.path))
        and (wanted.fault is None or wanted.fault in each.answer.faults)
        and (wanted.since is None or each.at >= wanted.since)
    )


def is_called(id: str | None, name: str) -> bool:
    """Whether a rule's id is this, or its name."""
    return id is not None and (id == name or id.rpartition(":")[2] == name)


def summary(each: JournalEntry) -> RequestSummary:
    return RequestSummary(**_facts(each))


def _facts(each: JournalEntry) -> dict[str, Any]:
    answer = each.answer
    return {
        "id": each.number,
        "at": round(each.at, 6),
        "method": each.method,
        "path": redact_text(each.target),
        "client": each.client,
        "session": each.session,
        "key": each.key,
        "endpoint": each.endpoint,
        "provider": each.provider,
        "model": each.model and redact_text(each.model),
        "rule": answer.rule,
        "modifiers": list(answer.modifiers),
        "faults": list(answer.faults),
        "error": answer.error,
        "notes": [redact_text(note) for note in answer.notes],
        "status": each.status,
        "streamed": each.streamed,
        "took": round(each.took, 6),
        "left": each.left,
        "missed": each.missed,
        "seed": each.seed,
    }


def detail(each: JournalEntry, engine: Engine) -> RequestDetail:
    """All that is known of a request."""
    told = reconstruct(each)
    return RequestDetail(
        **_facts(each),
        request=_asked(each),
        response=JournalResponse(status=told.status, headers=_pairs(told.headers), chunks=_chunks(told)),
        near_misses=near_misses(each, engine) if each.missed else [],
    )


def near_misses(each: JournalEntry, engine: Engine) -> list[str]:
    """The rules as they are now that come nearest to a request."""
    request = read_again(each, engine)
    return [
        redact_text(near_miss_line(item, differences))
        for item, differences in nearest(engine.catalog, request)
    ]


def read_again(each: JournalEntry, engine: Engine) -> Request:
    """The request as the engine reads it; what is counted and kept of its session is not touched."""
    headers = {name.lower(): value for name, value in each.headers if name.lower() != SESSION}
    path = without(each.path)[1] if each.path.startswith(PREFIX) else each.path
    request = engine.read(each.method, path, each.query_string, headers, each.raw, each.client, each.at)
    request.session = each.session
    request.recall = engine.state.recall(each.session or "")
    return request


def _asked(each: JournalEntry) -> JournalRequest:
    body, text, encoded = _body(each.raw)
    return JournalRequest(
        headers=_pairs(each.headers),
        body=body,
        text=text if body is None else None,
        base64=encoded,
        whole=each.whole,
    )


def _body(raw: bytes) -> tuple[Json, str | None, str | None]:
    """A request's body without secrets: as JSON, and as a text or in base64."""
    (masked,) = redaction.parts([raw])
    text, encoded = _text(masked)
    try:
        body = loads(raw) if text else None
    except JSONDecodeError:
        return None, text, encoded
    told = redaction.body(body)
    return told, text if told == body else dumps(told).decode(), None


def _pairs(headers: Iterable[tuple[str, str]]) -> list[HeaderPair]:
    return [HeaderPair(name=name, value=redaction.header(name, value)) for name, value in headers]


def _chunks(told: SentResponse) -> list[JournalChunk]:
    chunks = []
    for part in told.parts:
        text, encoded = _text(part.data)
        chunks.append(JournalChunk(at=round(part.at, 6), text=text, base64=encoded))
    return chunks


def _text(data: bytes) -> tuple[str | None, str | None]:
    """As a text, or in base64 where it is none."""
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError:
        return None, b64encode(data).decode()


PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


# --- export ----------------------------------------------------------------------------------------


async def lines(found: Iterable[JournalEntry], engine: Engine) -> bytes:
    """JSON lines, one request each, in full."""
    told, slices = [], TimeSlices()
    for each in found:
        told.append(visible(detail(each, engine).model_dump_json().encode()) + b"\n")
        await slices.turn()
    return b"".join(told)


async def har(found: Iterable[JournalEntry]) -> bytes:
    """An HTTP archive (version 1.2), as browsers' tools and proxies read it."""
    entries, slices = [], TimeSlices()
    for each in found:
        entries.append(visible(dumps(_entry(each))))
        await slices.turn()
    creator = dumps({"name": "mockllm", "version": __version__})
    return b'{"log":{"version":"1.2","creator":%b,"entries":[%b]}}\n' % (creator, b",".join(entries))


def _entry(each: JournalEntry) -> dict[str, Any]:
    told = reconstruct(each)
    answered = {name.lower(): value for name, value in told.headers}
    took = max(0.0, round(each.took * 1000, 3))
    first = min(took, max(0.0, round(told.parts[0].at * 1000, 3))) if told.parts else took
    text, encoded = _text(told.body)
    content: dict[str, Any] = {
        "size": len(told.body),
        "mimeType": answered.get("content-type", ""),
        "text": text if text is not None else encoded,
    }
    if encoded is not None:
        content["encoding"] = "base64"
    return {
        "startedDateTime": datetime.fromtimestamp(each.at, UTC).isoformat().replace("+00:00", "Z"),
        "time": took,
        "request": _har_request(each),
        "response": {
            "status": told.status,
            "statusText": PHRASES.get(told.status, ""),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [pair.model_dump() for pair in _pairs(told.headers)],
            "content": content,
            "redirectURL": answered.get("location", ""),
            "headersSize": -1,
            "bodySize": len(told.body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": first, "receive": round(took - first, 3)},
        "_rule": each.rule,
        "_left": each.left,
    }


def _har_request(each: JournalEntry) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in each.headers}
    host = headers.get("host", "localhost")
    there = each.target if each.target.startswith("/") else "/"  # "-" where what came was no request
    request: dict[str, Any] = {
        "method": each.method,
        "url": redact_text(each.target if "://" in each.path else f"http://{host}{there}"),
        "httpVersion": "HTTP/1.0" if each.framing.http10 else "HTTP/1.1",
        "cookies": [],
        "headers": [pair.model_dump() for pair in _pairs(each.headers)],
        "queryString": [
            {"name": name, "value": redact_text(value)}
            for name, value in parse_qsl(each.query_string, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(each.raw),
    }
    if each.raw:
        _, asked, _ = _body(each.raw)
        mime = headers.get("content-type", "")
        request["postData"] = {"mimeType": mime, "params": [], "text": asked or ""}
    return request
