"""Queries on the journal: filters, pages, single entries and exports, in slices between which streams go on."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Final, Literal, TypeVar
from urllib.parse import parse_qsl

from mockllm import __version__
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.redaction import Redactor
from mockllm.core.rendering.plan import PHRASES
from mockllm.core.request.header_lines import combine_lines
from mockllm.engine import Engine
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.near_misses import near_miss_line, nearest
from mockllm.engine.session_id import SESSION_HEADER, path_without_session
from mockllm.scenario.rule_ids import split_id
from mockllm.server.access_log import RETRY, shown_retry
from mockllm.server.control.body_text import visible
from mockllm.server.control.exact_numbers import has_exact_numbers
from mockllm.server.control.journal_search import contains, has_words
from mockllm.server.control.models.journal import (
    ExportQuery,
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
from mockllm.server.control.problem import Problem
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.journal import Journal
from mockllm.server.journal.reconstruction import SentResponse, reconstruct
from mockllm.server.server_limits import KIB

T = TypeVar("T")

LARGE: Final = 128 * KIB
"""Bytes of an entry that is reconstructed in a thread: redacting and writing it takes more than some milliseconds."""

SHORTEST_SEARCHED: Final = 3
"""A search for fewer characters does not read bodies: nearly all have them."""

SLICE: Final = 0.001
"""Longest work in seconds between two turns of the event loop."""


class TimeSlices:
    """Divides a loop of long work into slices: the loop awaits `turn` in each iteration."""

    def __init__(self) -> None:
        self._end = time.perf_counter() + SLICE

    async def pause(self) -> None:
        """Let the event loop go on if the slice has ended."""
        if time.perf_counter() >= self._end:
            await asyncio.sleep(0)
            self._end = time.perf_counter() + SLICE


async def page(journal: Journal, query: RequestQuery) -> RequestPage:
    """Return the page that a query selects."""
    forward = query.after is not None
    summaries: list[RequestSummary] = []
    slices = TimeSlices()
    for entry in iter(journal) if forward else reversed(journal):
        if len(summaries) == query.limit:
            break
        if query.after is not None and entry.number <= query.after:
            continue
        if query.before is not None and entry.number >= query.before:
            continue
        if await is_selected(query, entry, slices):
            summaries.append(await in_thread_if_large(entry, partial(summary, entry)))
    return RequestPage(
        requests=summaries,
        total=journal.total,
        kept=len(journal),
        bytes=journal.bytes,
        most=journal.max_entries,
        most_bytes=journal.max_bytes,
    )


def entry_by_id(journal: Journal, id: str) -> JournalEntry:
    """Return an entry of the journal. Raises Problem where there is none."""
    number = int(id) if id.isascii() and id.isdecimal() and len(id) < 19 else 0
    entry = journal.find(number)
    if entry is None:
        raise Problem(404, f"The journal has no request {id[:40]}; it has {_numbers(journal)}.")
    return entry


def repeatable_entry(journal: Journal, id: str) -> JournalEntry:
    """Return an entry whose request can be sent again. Raises Problem where there is none."""
    entry = entry_by_id(journal, id)
    if entry.over_websocket:
        raise Problem(
            409, f"Request {entry.number} came over a WebSocket, so no HTTP request can send it again."
        )
    return entry


def _numbers(journal: Journal) -> str:
    """Return the numbers of the stored requests, in words. They continue after a reset, so 1 may be missing."""
    numbers = [entry.number for entry in journal]
    if len(numbers) < 2:
        return f"{numbers[0]} only" if numbers else "none"
    return f"{numbers[0]} to {numbers[-1]}"


def matches_filter(wanted: RequestFilter, entry: JournalEntry) -> bool:
    """Return whether an entry meets all conditions."""
    plain = (
        (wanted.endpoint, entry.endpoint or "none"),
        (wanted.provider, entry.provider),
        (wanted.status, entry.status),
        (wanted.key, entry.api_key_hash),
        (wanted.client, entry.client_address),
        (wanted.missed, entry.unmatched),
        (wanted.left, entry.end_reason),
    )
    return (
        all(expected is None or expected == value for expected, value in plain)
        and (wanted.model is None or wanted.model in (entry.model, entry.shown_model))
        and (wanted.session is None or entry.is_of_session(wanted.session))
        and (wanted.rule is None or is_called(entry.responder_id, wanted.rule))
        and (wanted.path is None or entry.path.startswith(wanted.path))
        and (wanted.fault is None or wanted.fault in entry.response.faults)
        and (wanted.since is None or entry.now >= wanted.since)
        and (wanted.kind is None or _is_kind(entry, wanted.kind))
    )


def _is_kind(entry: JournalEntry, kind: Literal["errors", "faults", "streams"]) -> bool:
    if kind == "errors":
        return entry.status >= 400
    return bool(entry.response.faults) if kind == "faults" else entry.streamed


async def is_selected(wanted: RequestFilter, entry: JournalEntry, slices: TimeSlices) -> bool:
    """Return whether an entry meets all conditions, also that on its text."""
    await slices.pause()
    if not matches_filter(wanted, entry):
        return False
    text = wanted.text
    return text is None or await in_thread_if_large(entry, lambda: contains(entry, text))


async def is_exported(wanted: ExportQuery, entry: JournalEntry, slices: TimeSlices) -> bool:
    """Return whether an entry meets all conditions of an export."""
    if wanted.until is not None and entry.number > wanted.until:
        return False
    if not await is_selected(wanted, entry, slices):
        return False
    search = wanted.search
    if search is None or has_words(await in_thread_if_large(entry, partial(summary, entry)), search):
        return True
    return len(search) >= SHORTEST_SEARCHED and await in_thread_if_large(
        entry, lambda: contains(entry, search)
    )


def is_called(id: str | None, name: str) -> bool:
    """Return whether a rule has this id or this name."""
    return id is not None and (id == name or split_id(id)[1] == name)


def summary(entry: JournalEntry) -> RequestSummary:
    return RequestSummary(**_summary_members(entry))


def _summary_members(entry: JournalEntry) -> dict[str, Json]:
    response, redactor, near = entry.response, entry.redactor, []
    if response.near_misses:  # they quote the body
        near = list(map(entry.full_redactor.text, response.near_misses))
    return {
        "id": entry.number,
        "at": round(entry.now, 6),
        "method": redactor.text(entry.method),
        "path": redactor.target(entry.target),
        "client": entry.client_address,
        "session": entry.session and redactor.session(entry.session),
        "key": entry.api_key_hash,
        "endpoint": entry.endpoint,
        "provider": entry.provider,
        "model": entry.shown_model,
        "rule": response.responder_id,
        "modifiers": list(response.modifiers),
        "faults": list(response.faults),
        "error": response.error,
        "notes": [redactor.text(note) for note in response.notes],
        "status": entry.status,
        "unsent": entry.unsent,
        "streamed": entry.streamed,
        "took": round(entry.duration_with_hold, 6),
        "left": entry.end_reason,
        "missed": entry.unmatched,
        "retry": shown_retry(entry.header(RETRY), redactor),
        "seed": entry.seed,
        "near_misses": near,
    }


async def detail(entry: JournalEntry, engine: Engine) -> RequestDetail:
    """Return an entry with its request and its reconstructed response."""
    request, response = await in_thread_if_large(entry, lambda: (_request(entry), _response(entry)))
    members = await in_thread_if_large(entry, partial(_summary_members, entry))
    if entry.unmatched:
        members["near_misses"] = await in_thread_if_large(entry, partial(near_misses, entry, engine))
    return RequestDetail(**members, request=request, response=response)


async def in_thread_if_large(entry: JournalEntry, work: Callable[[], T]) -> T:
    """Return the result of work on an entry; the work on a large one is done in a thread."""
    return await asyncio.to_thread(work) if entry.size > LARGE else work()


def _response(entry: JournalEntry) -> JournalResponse:
    redactor = entry.full_redactor
    sent = reconstruct(entry, redactor)
    return JournalResponse(status=sent.status, headers=_pairs(sent.headers, redactor), chunks=_chunks(sent))


def near_misses(entry: JournalEntry, engine: Engine) -> list[str]:
    """Return a line for entry of the present rules that are nearest to a request."""
    request, redactor = decode_again(entry, engine), entry.full_redactor
    return [
        redactor.text(near_miss_line(item, test_results))
        for item, test_results in nearest(engine.catalog, request)
    ]


def decode_again(entry: JournalEntry, engine: Engine) -> EngineRequest:
    """Decode the request of an entry again, without changing counters or its session's stored objects."""
    headers = combine_lines(entry.headers)
    headers.pop(SESSION_HEADER, None)
    path = path_without_session(entry.path)
    request = engine.read(
        entry.method,
        path,
        entry.query_string,
        headers,
        entry.raw,
        entry.client_address,
        entry.now,
        time.monotonic(),
    )
    request.session = entry.session
    request.object_lookup = engine.state.lookup(entry.session or "")
    return request


def _request(entry: JournalEntry) -> JournalRequest:
    redactor = entry.full_redactor
    body, text, encoded = _body(entry.raw, redactor)
    return JournalRequest(
        headers=_pairs(entry.headers, redactor),
        body=body,
        text=text if body is None or has_exact_numbers(body) else None,
        base64=encoded,
        whole=entry.body_stored,
    )


def _body(raw: bytes, redactor: Redactor) -> tuple[Json, str | None, str | None]:
    """Return a request's body without secrets: as JSON, as text, and in base64."""
    text, encoded = _text(redactor.data(raw))
    try:
        body = loads(raw) if text else None
    except JSONDecodeError:
        return None, text, encoded
    redacted = redactor.json(body)
    return redacted, text if redacted == body else dumps(redacted).decode(), None


def _pairs(headers: Iterable[tuple[str, str]], redactor: Redactor) -> list[HeaderPair]:
    return [
        HeaderPair(name=redactor.text(name), value=redactor.header(name, value)) for name, value in headers
    ]


def _chunks(sent: SentResponse) -> list[JournalChunk]:
    chunks = []
    for part in sent.parts:
        text, encoded = _text(part.data)
        chunks.append(JournalChunk(at=round(part.after, 6), text=text, base64=encoded))
    return chunks


def _text(data: bytes) -> tuple[str | None, str | None]:
    """Return bytes as text, or in base64 if they are not UTF-8."""
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError:
        return None, b64encode(data).decode()


# --- export ----------------------------------------------------------------------------------------


async def lines(entries: Iterable[JournalEntry], engine: Engine) -> bytes:
    """Return JSON lines, one for entry entry, with all details."""
    texts, slices = [], TimeSlices()
    for entry in entries:
        shown = await detail(entry, engine)
        texts.append(await in_thread_if_large(entry, partial(_line, shown)))
        await slices.pause()
    return b"".join(texts)


async def har(entries: Iterable[JournalEntry]) -> bytes:
    """Return an HTTP archive (version 1.2), which browsers' tools and proxies read."""
    texts, slices = [], TimeSlices()
    for entry in entries:
        texts.append(await in_thread_if_large(entry, partial(_archived, entry)))
        await slices.pause()
    creator = dumps({"name": "mockllm", "version": __version__})
    return b'{"log":{"version":"1.2","creator":%b,"entries":[%b]}}\n' % (creator, b",".join(texts))


def _line(shown: RequestDetail) -> bytes:
    return visible(shown.model_dump_json().encode()) + b"\n"


def _archived(entry: JournalEntry) -> bytes:
    return visible(dumps(_entry(entry)))


def _entry(entry: JournalEntry) -> dict[str, Json]:
    sent = reconstruct(entry, entry.full_redactor)
    headers = combine_lines(sent.headers)
    took = max(0.0, round(entry.duration_with_hold * 1000, 3))
    first = took
    if sent.parts:
        first = min(took, max(0.0, round((entry.held_seconds + sent.parts[0].after) * 1000, 3)))
    text, encoded = _text(sent.body)
    content: dict[str, Json] = {
        "size": len(sent.body),
        "mimeType": headers.get("content-type", ""),
        "text": text if text is not None else encoded,
    }
    if encoded is not None:
        content["encoding"] = "base64"
    return {
        "startedDateTime": datetime.fromtimestamp(entry.now, UTC).isoformat().replace("+00:00", "Z"),
        "time": took,
        "request": _har_request(entry),
        "response": {
            "status": sent.status,
            "statusText": PHRASES.get(sent.status, ""),
            "httpVersion": "HTTP/2" if entry.http2 else "HTTP/1.1",
            "cookies": [],
            "headers": [pair.model_dump() for pair in _pairs(sent.headers, entry.full_redactor)],
            "content": content,
            "redirectURL": headers.get("location", ""),
            "headersSize": -1,
            "bodySize": len(sent.body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": first, "receive": round(took - first, 3)},
        "_rule": entry.responder_id,
        "_left": entry.end_reason,
    }


def _har_request(entry: JournalEntry) -> dict[str, Json]:
    headers, redactor = combine_lines(entry.headers), entry.full_redactor
    host = headers.get("host", "localhost")
    path = entry.target if entry.target.startswith("/") else "/"  # "-" for bytes that were not a request
    request: dict[str, Json] = {
        "method": redactor.text(entry.method),
        "url": redactor.target(entry.target if "://" in entry.path else f"http://{host}{path}"),
        "httpVersion": f"HTTP/{entry.http_version}",
        "cookies": [],
        "headers": [pair.model_dump() for pair in _pairs(entry.headers, redactor)],
        "queryString": [
            {"name": redactor.text(name), "value": redactor.text(value)}
            for name, value in parse_qsl(entry.query_string, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(entry.raw),
    }
    if entry.raw:
        _, text, _ = _body(entry.raw, redactor)
        mime = redactor.text(headers.get("content-type", ""))
        request["postData"] = {"mimeType": mime, "params": [], "text": text or ""}
    return request
