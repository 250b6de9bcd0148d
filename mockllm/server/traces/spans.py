"""Spans of requests as plain data: name, times, and attributes by OpenTelemetry's conventions.

A span is computed from a journal entry, without OpenTelemetry, and tested without a collector. Sources:
open-telemetry/semantic-conventions-genai (client inference and its registry of attributes, as of 2026), and the
conventions for HTTP servers and for recording errors. A server's span is an error from status 500 on, or if its
response was cut. The names are literals here, because the Python package marks its constants as deprecated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Final, NamedTuple, TypeAlias

from mockllm.core.display import shortened
from mockllm.core.json.codec import Json
from mockllm.core.redaction import Redactor, secrets_of
from mockllm.core.request.request import Request
from mockllm.core.request.server_address import SESSION_PREFIX
from mockllm.dialects.listing import LISTED_BY_NAME
from mockllm.dialects.provider_facts import telemetry_fields
from mockllm.dialects.router import RouteMatch, find_route, normalised
from mockllm.dialects.telemetry_fields import MemberPath, members_at
from mockllm.engine.session_id import split_session
from mockllm.server.control.access import host_name
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.journal.entry import JournalEntry, headers_and_body
from mockllm.server.journal.reconstruction import SentResponse, reconstruct
from mockllm.server.traces.response_attributes import ResponseAttributes, response_attributes

Value: TypeAlias = str | bool | int | float | Sequence[str]
INTEGER_SETTINGS: Final = frozenset({"top_k", "seed"})
"""The settings whose attributes are integers; the others are floats."""
METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
"""The values of `http.request.method`; other methods become `_OTHER`."""
MAX_INTEGER: Final = 2**63 - 1
"""Largest integer of OTLP; a larger one makes a receiver refuse all spans of the batch."""
MAX_LENGTH: Final = 1000
"""Most characters of a text attribute."""
MAX_NAME_LENGTH: Final = 200
"""Most characters of a span's name."""


class SpanEvent(NamedTuple):
    """An event within a span; `at` in nanoseconds since the epoch."""

    name: str
    at: int
    attributes: Mapping[str, Value]


class SpanStart(NamedTuple):
    """The start of a span, for the sampler. `start` is in nanoseconds since the epoch; `parent` contains the
    request's headers in lower case."""

    start: int
    parent: Mapping[str, str]
    attributes: Mapping[str, Value]


class Span(NamedTuple):
    """A complete span. `start` and `end` are in nanoseconds since the epoch; `error` is its reason, or None."""

    name: str
    start: int
    end: int
    attributes: Mapping[str, Value]
    events: tuple[SpanEvent, ...]
    error: str | None


class RequestAttributes(NamedTuple):
    """A request that was decoded again; `call` is None for paths of no provider."""

    headers: Mapping[str, str]
    call: RouteMatch | None
    request: Request | None
    route: str | None

    @property
    def operation(self) -> str | None:
        return self.call.call.call_object.operation if self.call is not None else None


def span_start(ended: EndedExchange, ahead: float) -> SpanStart:
    """Return the start of a request's span. `ahead`: see `span`."""
    headers = headers_and_body(ended)[0].items()
    path = Redactor(secrets_of(headers, ended.target)).target(ended.target).partition("?")[0]
    attributes: dict[str, Value] = {
        "http.request.method": _method(ended.method),
        "url.path": _otlp_value(path),
    }
    return SpanStart(
        _nanoseconds(ended.monotonic - ended.held_seconds + ahead), _lower_case(headers), attributes
    )


def span(entry: JournalEntry, secure: frozenset[int] | bool = False, ahead: float | None = None) -> Span:
    """Return the span of a request, from its last byte to the end of its response.

    `secure` contains the ports with TLS, or is whether all ports have it. `ahead` is the difference between the
    clock of the epoch and the server's monotonic clock: `at` was read after the decision, later than the request.
    """
    sent = reconstruct(entry)
    request = _decode(entry)
    response = ResponseAttributes()
    if request.call is not None and request.operation is not None:
        response = response_attributes(entry, sent, request.call.provider, request.call.dialect)
    broken = (
        entry.end_reason if entry.end_reason != "finished" else response.error if entry.status < 400 else None
    )
    attributes: dict[str, Value] = {**_http_attributes(entry, request, secure), **_mockllm_attributes(entry)}
    if request.operation is not None:
        attributes.update(_model_attributes(entry, request, sent, response))
    if entry.status >= 400 or broken is not None:
        attributes["error.type"] = response.error or (
            str(entry.status) if entry.status >= 400 else str(broken)
        )
    attributes = {name: _redacted(value, entry.redactor) for name, value in attributes.items()}
    start = _nanoseconds(entry.now if ahead is None else entry.monotonic - entry.held_seconds + ahead)
    end = start + max(0, _nanoseconds(entry.duration_with_hold))
    return Span(
        _name(entry, request, attributes),
        start,
        end,
        {name: _otlp_value(value) for name, value in attributes.items()},
        tuple(_fault_events(entry, sent, start, end)),
        broken if broken is not None else str(entry.status) if entry.status >= 500 else None,
    )


def _decode(entry: JournalEntry) -> RequestAttributes:
    headers = _lower_case(entry.headers)
    path, before = entry.path, ""
    if path.startswith(SESSION_PREFIX):
        before, path = f"{SESSION_PREFIX}{{session}}", split_session(path)[1]
    path = normalised(path)
    call = find_route(entry.method, path, headers, entry.query_string) if path.startswith("/") else None
    if not isinstance(call, RouteMatch):
        return RequestAttributes(headers, None, None, None)
    request = call.dialect.request_class(
        method=entry.method,
        path=call.path,
        headers=headers,
        raw=entry.raw,
        query_string=entry.query_string,
        provider=call.provider,
        path_variables=call.path_variables,
    )
    return RequestAttributes(headers, call, request, _route(path, call, before))


def _lower_case(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers by lower-case name, with repeated headers joined."""
    attributes: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower()
        attributes[name] = f"{attributes[name]},{value}" if name in attributes else value
    return attributes


def _route(path: str, call: RouteMatch, before: str) -> str | None:
    """Return the path with names instead of the values of its variables; None if the values were encoded."""
    for name, value in sorted(call.path_variables.items(), key=lambda pair: -len(pair[1])):
        if value not in path:
            return None
        path = path.replace(value, f"{{{name}}}", 1)
    return before + path


def _name(entry: JournalEntry, request: RequestAttributes, attributes: Mapping[str, Value]) -> str:
    """Return a name such as `chat gpt-4o`, or without a model `GET /v1/models`."""
    if request.operation is not None:
        model = attributes.get("gen_ai.request.model")
        return _text(f"{request.operation} {model}" if model else request.operation, MAX_NAME_LENGTH)
    method = entry.method if entry.method in METHODS else "HTTP"
    return f"{method} {request.route}" if request.route else method


def _http_attributes(
    entry: JournalEntry, request: RequestAttributes, secure: frozenset[int] | bool
) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        "http.request.method": _method(entry.method),
        "http.response.status_code": entry.status,
        "network.protocol.version": entry.http_version,
        "url.path": entry.redactor.target(entry.path),
    }
    if entry.method not in METHODS and entry.method != "-":
        attributes["http.request.method_original"] = entry.method
    host = request.headers.get("host", "")
    name, port = host_name(host) or host, host.rpartition(":")[2]
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else None
    tls = secure if isinstance(secure, bool) else (443 if number is None else number) in secure
    attributes["url.scheme"] = "https" if tls else "http"
    if name:
        attributes["server.address"] = name
        attributes["server.port"] = number if number is not None else 443 if tls else 80
    more = {
        "url.query": entry.query_string,
        "client.address": entry.client_address,
        "user_agent.original": request.headers.get("user-agent"),
        "http.route": request.route,
    }
    return {**attributes, **{key: value for key, value in more.items() if value}}


def _model_attributes(
    entry: JournalEntry, decoded: RequestAttributes, sent: SentResponse, response: ResponseAttributes
) -> dict[str, Value]:
    call, request, operation = decoded.call, decoded.request, decoded.operation
    assert call is not None and request is not None and operation is not None  # noqa: PT018 - set together
    name = LISTED_BY_NAME[call.provider].provider_object.telemetry_name or call.provider
    provider = call.call.call_object.telemetry_provider or name
    attributes: dict[str, Value] = {"gen_ai.operation.name": operation, "gen_ai.provider.name": provider}
    attributes.update(_request_parameters(request, telemetry_fields(call.dialect.name).settings))
    if response.id:
        attributes["gen_ai.response.id"] = response.id
    if response.model:
        attributes["gen_ai.response.model"] = response.model
    if entry.status < 400 and response.understood:
        attributes["gen_ai.response.finish_reasons"] = response.finish_reasons(request.output_bounds.n)
    if entry.streamed and sent.parts:
        attributes["gen_ai.response.time_to_first_chunk"] = max(0.0, sent.parts[0].after)
    if (usage := response.usage) is not None:
        attributes["gen_ai.usage.input_tokens"] = usage.input
        if operation != "embeddings":
            attributes["gen_ai.usage.output_tokens"] = usage.output
        more = {
            "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
            "gen_ai.usage.cache_write.input_tokens": usage.cache_write,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
        }
        attributes.update({name: count for name, count in more.items() if count})
    return attributes


def _request_parameters(request: Request, settings: Mapping[str, tuple[MemberPath, ...]]) -> dict[str, Value]:
    attributes: dict[str, Value] = {}
    if request.model:
        attributes["gen_ai.request.model"] = request.model
    if request.stream:
        attributes["gen_ai.request.stream"] = True
    output_bounds = request.output_bounds
    if output_bounds.n != 1:
        attributes["gen_ai.request.choice.count"] = output_bounds.n
    if output_bounds.max_tokens is not None:
        attributes["gen_ai.request.max_tokens"] = output_bounds.max_tokens
    if output_bounds.stop:
        attributes["gen_ai.request.stop_sequences"] = output_bounds.stop
    if request.response_format.kind != "text":
        attributes["gen_ai.output.type"] = "json"
    for name, paths in settings.items():
        number = _number(next(members_at(request.fields, paths), None))
        if number is not None:
            attributes[f"gen_ai.request.{name}"] = (int if name in INTEGER_SETTINGS else float)(number)
    return attributes


def _number(value: Json) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or isfinite(value) else None


def _mockllm_attributes(entry: JournalEntry) -> dict[str, Value]:
    response = entry.response
    attributes = {
        "mockllm.rule": response.responder_id,
        "mockllm.session": entry.session and entry.redactor.session(entry.session),
        "mockllm.seed": entry.seed,
        "mockllm.error": response.error,
        "mockllm.endpoint": entry.endpoint,
        "mockllm.modifiers": response.modifiers,
        "mockllm.faults": response.faults,
        "mockllm.notes": response.notes,
    }
    more: dict[str, Value] = {name: value for name, value in attributes.items() if value}
    if response.unmatched:
        more["mockllm.missed"] = True
    if entry.end_reason != "finished":
        more["mockllm.left"] = entry.end_reason
    return {"mockllm.request": entry.number, **more}


def _fault_events(entry: JournalEntry, sent: SentResponse, start: int, end: int) -> Sequence[SpanEvent]:
    """Return an event for entry fault: at the end of a cut response, else at its first byte."""
    first = start + _nanoseconds(entry.held_seconds + sent.parts[0].after) if sent.parts else end
    at = first if entry.end_reason == "finished" else end
    return [
        SpanEvent("mockllm.fault", min(at, end), {"mockllm.fault": name}) for name in entry.response.faults
    ]


def _method(method: str) -> str:
    return method if method in METHODS else "_OTHER"


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


def _otlp_value(value: Value) -> Value:
    """Return a value that OTLP accepts: a lone surrogate or a large integer would fail the whole batch."""
    if isinstance(value, str):
        return _text(value, MAX_LENGTH)
    if isinstance(value, int | float):
        return value if isinstance(value, float) or -MAX_INTEGER <= value <= MAX_INTEGER else str(value)
    return [_text(item, MAX_LENGTH) for item in value[:100]]


def _redacted(value: Value, redactor: Redactor) -> Value:
    """Return a value without secrets, and with no longer texts than a span has: the client may have put a key
    anywhere."""
    if isinstance(value, str):
        return redactor.beginning(value, MAX_LENGTH)
    if isinstance(value, int | float):
        return value
    return [redactor.beginning(item, MAX_LENGTH) for item in value]


def _text(text: str, max_length: int) -> str:
    return shortened(text if text.isascii() else text.encode("utf-8", "replace").decode(), max_length)
