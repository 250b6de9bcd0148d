"""What a request's span says: its name, its times, and its attributes by OpenTelemetry's conventions.

Plain data, made of what the journal keeps, so that it is known without OpenTelemetry and tested without a
collector. Sources: the conventions for generative AI (`conventions`), those for HTTP servers, and those for
recording errors: a server's span is an error from status 500 on, or where its answer broke off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Final, NamedTuple, TypeAlias

from mockllm.core.display import cut
from mockllm.core.json.codec import Json
from mockllm.core.redaction import redact_text
from mockllm.core.request.request import Request
from mockllm.dialects.providers import BY_NAME
from mockllm.dialects.routes import RouteMatch, find, normalised
from mockllm.engine.session_id import PREFIX, without
from mockllm.server.control.access import host_name
from mockllm.server.journal.draft import JournalDraft
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.reconstruction import SentResponse, reconstruct
from mockllm.server.traces.conventions import (
    FLOATS,
    INTEGERS,
    LARGEST,
    LONGEST,
    METHODS,
)
from mockllm.server.traces.response_attributes import ResponseAttributes, response_attributes

Value: TypeAlias = str | bool | int | float | Sequence[str]
NAME: Final = 200
"""Characters of a span's name."""
CHOSEN: Final = ("url.path", "url.query", "http.route", "gen_ai.request.model", "gen_ai.response.model")
"""What clients choose freely; some put a key there."""


class SpanEvent(NamedTuple):
    """An event within a span; `at` in nanoseconds since the epoch."""

    name: str
    at: int
    attributes: Mapping[str, Value]


class SpanStart(NamedTuple):
    """What is known of a span at once, for who decides whether there is to be one. `start` in nanoseconds since the
    epoch; `parent` are the request's headers, in lower case."""

    start: int
    parent: Mapping[str, str]
    attributes: Mapping[str, Value]


class Span(NamedTuple):
    """`start` and `end` in nanoseconds since the epoch; `error` says why it is one, None where it is none."""

    name: str
    start: int
    end: int
    attributes: Mapping[str, Value]
    events: tuple[SpanEvent, ...]
    error: str | None


class RequestAttributes(NamedTuple):
    """A request read again, for what it asked; without a call where it was no provider's."""

    headers: Mapping[str, str]
    call: RouteMatch | None
    request: Request | None
    route: str | None

    @property
    def operation(self) -> str | None:
        return self.call.call.operation if self.call is not None else None


def beginning(seen: JournalDraft, ahead: float) -> SpanStart:
    """Where a request's span begins. `ahead`: see `span`."""
    first: dict[str, Value] = {
        "http.request.method": _method(seen.method),
        "url.path": redact_text(seen.target.partition("?")[0]),
    }
    attributes = {name: _clean(value) for name, value in first.items()}
    return SpanStart(_nanoseconds(seen.since + ahead), _lowered(seen.parted()[0].items()), attributes)


def span(each: JournalEntry, secure: frozenset[int] | bool = False, ahead: float | None = None) -> Span:
    """The span of a request, from its last byte to the end of its answer. `secure` are the ports that speak TLS,
    or whether all do; `ahead` is how far the epoch's clock is ahead of the server's own: `at` was taken when the
    answer was known, which is later than the request by what it took to find."""
    told = reconstruct(each)
    asking = _asking(each)
    read = ResponseAttributes()
    if asking.call is not None and asking.operation is not None:
        read = response_attributes(each, told, asking.call.dialect)
    broken = _broken(each, read)
    attributes: dict[str, Value] = {**_of_http(each, asking, secure), **_own(each)}
    if asking.operation is not None:
        attributes.update(_of_model(each, asking, told, read))
    if each.status >= 400 or broken is not None:
        attributes["error.type"] = read.error or (str(each.status) if each.status >= 400 else str(broken))
    for name in CHOSEN:
        if isinstance(value := attributes.get(name), str):
            attributes[name] = redact_text(value)
    start = _nanoseconds(each.at if ahead is None else each.since + ahead)
    end = start + max(0, _nanoseconds(each.took))
    return Span(
        _name(each, asking, attributes),
        start,
        end,
        {name: _clean(value) for name, value in attributes.items()},
        tuple(_faults(each, told, start, end)),
        broken if broken is not None else str(each.status) if each.status >= 500 else None,
    )


def _asking(each: JournalEntry) -> RequestAttributes:
    headers = _lowered(each.headers)
    path, before = each.path, ""
    if path.startswith(PREFIX):
        before, path = f"{PREFIX}{{session}}", without(path)[1]
    path = normalised(path)
    call = find(each.method, path, headers, each.query_string) if path.startswith("/") else None
    if not isinstance(call, RouteMatch):
        return RequestAttributes(headers, None, None, None)
    request = call.dialect.request(
        method=each.method,
        path=call.path,
        headers=headers,
        raw=each.raw,
        query_string=each.query_string,
        provider=call.provider,
        route=call.route,
    )
    return RequestAttributes(headers, call, request, _route(path, call, before))


def _lowered(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By lower-case name, what came several times joined."""
    found: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower()
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _route(path: str, call: RouteMatch, before: str) -> str | None:
    """The path with its variables' names in place of their values; None where these were encoded."""
    for name, value in sorted(call.route.items(), key=lambda pair: -len(pair[1])):
        if value not in path:
            return None
        path = path.replace(value, f"{{{name}}}", 1)
    return before + path


def _name(each: JournalEntry, asking: RequestAttributes, attributes: Mapping[str, Value]) -> str:
    """`chat gpt-4o`; where no model is asked, `GET /v1/models`."""
    if asking.operation is not None:
        model = attributes.get("gen_ai.request.model")
        return _text(f"{asking.operation} {model}" if model else asking.operation, NAME)
    method = each.method if each.method in METHODS else "HTTP"
    return f"{method} {asking.route}" if asking.route else method


# --- HTTP ------------------------------------------------------------------------------------------


def _of_http(
    each: JournalEntry, asking: RequestAttributes, secure: frozenset[int] | bool
) -> dict[str, Value]:
    found: dict[str, Value] = {
        "http.request.method": _method(each.method),
        "http.response.status_code": each.status,
        "network.protocol.version": "1.0" if each.framing.http10 else "1.1",
        "url.path": each.path,
    }
    if each.method not in METHODS and each.method != "-":
        found["http.request.method_original"] = each.method
    host = asking.headers.get("host", "")
    name, port = host_name(host), host.rpartition(":")[2]
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else None
    tls = secure if isinstance(secure, bool) else (443 if number is None else number) in secure
    found["url.scheme"] = "https" if tls else "http"
    if name:
        found["server.address"] = name
        found["server.port"] = number if number is not None else 443 if tls else 80
    more = {
        "url.query": each.query_string,
        "client.address": each.client,
        "user_agent.original": asking.headers.get("user-agent"),
        "http.route": asking.route,
    }
    return {**found, **{key: value for key, value in more.items() if value}}


# --- generative AI ---------------------------------------------------------------------------------


def _of_model(
    each: JournalEntry, asking: RequestAttributes, told: SentResponse, read: ResponseAttributes
) -> dict[str, Value]:
    call, request, operation = asking.call, asking.request, asking.operation
    assert call is not None and request is not None and operation is not None  # noqa: PT018 - one is all
    name = BY_NAME[call.provider].telemetry_name or call.provider
    provider = call.call.telemetry_provider or name
    found: dict[str, Value] = {"gen_ai.operation.name": operation, "gen_ai.provider.name": provider}
    found.update(_wanted(request))
    if read.id:
        found["gen_ai.response.id"] = read.id
    if read.model:
        found["gen_ai.response.model"] = read.model
    if each.status < 400 and read.understood:
        found["gen_ai.response.finish_reasons"] = read.finish_reasons(request.sampling.n)
    if each.streamed and told.parts:
        found["gen_ai.response.time_to_first_chunk"] = max(0.0, told.parts[0].at)
    if (usage := read.usage) is not None:
        found["gen_ai.usage.input_tokens"] = usage.input
        if operation != "embeddings":
            found["gen_ai.usage.output_tokens"] = usage.output
        more = {
            "gen_ai.usage.cache_read.input_tokens": usage.cached_read,
            "gen_ai.usage.cache_write.input_tokens": usage.cache_write,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
        }
        found.update({name: count for name, count in more.items() if count})
    return found


def _wanted(request: Request) -> dict[str, Value]:
    """What the request asked of the model."""
    found: dict[str, Value] = {}
    if request.model:
        found["gen_ai.request.model"] = request.model
    if request.stream:
        found["gen_ai.request.stream"] = True
    sampling = request.sampling
    if sampling.n != 1:
        found["gen_ai.request.choice.count"] = sampling.n
    if sampling.max_tokens is not None:
        found["gen_ai.request.max_tokens"] = sampling.max_tokens
    if sampling.stop:
        found["gen_ai.request.stop_sequences"] = sampling.stop
    if request.response_format.kind != "text":
        found["gen_ai.output.type"] = "json"
    config = request.fields.get("generationConfig")
    fields = {**request.fields, **config} if isinstance(config, dict) else request.fields
    for table, kind in ((FLOATS, float), (INTEGERS, int)):
        for name, spellings in table.items():
            number = _number(fields, spellings)
            if number is not None:
                found[name] = kind(number)
    return found


def _number(fields: Mapping[str, Json], names: Sequence[str]) -> int | float | None:
    value = next((fields[name] for name in names if fields.get(name) is not None), None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or isfinite(value) else None


# --- mockllm's own ---------------------------------------------------------------------------------


def _own(each: JournalEntry) -> dict[str, Value]:
    """What no convention has a name for."""
    answer = each.answer
    found = {
        "mockllm.rule": answer.rule,
        "mockllm.session": each.session,
        "mockllm.seed": each.seed,
        "mockllm.error": answer.error,
        "mockllm.endpoint": each.endpoint,
        "mockllm.modifiers": answer.modifiers,
        "mockllm.faults": answer.faults,
        "mockllm.notes": answer.notes,
    }
    more: dict[str, Value] = {name: value for name, value in found.items() if value}
    if answer.missed:
        more["mockllm.missed"] = True
    if each.left != "finished":
        more["mockllm.left"] = each.left
    return {"mockllm.request": each.number, **more}


def _faults(each: JournalEntry, told: SentResponse, start: int, end: int) -> Sequence[SpanEvent]:
    """Each fault that was played: at the end, where the answer was cut there; else when its first byte left."""
    first = start + int(told.parts[0].at * 1e9) if told.parts else end
    at = first if each.left == "finished" else end
    return [SpanEvent("mockllm.fault", min(at, end), {"mockllm.fault": name}) for name in each.answer.faults]


def _broken(each: JournalEntry, read: ResponseAttributes) -> str | None:
    """Why an answer is no whole one, in one word."""
    if each.left != "finished":
        return each.left
    return read.error if each.status < 400 else None


def _method(method: str) -> str:
    return method if method in METHODS else "_OTHER"


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


# --- values ----------------------------------------------------------------------------------------


def _clean(value: Value) -> Value:
    """As OTLP can hold it: a span with a lone surrogate, or too large a number, would take all others with it."""
    if isinstance(value, str):
        return _text(value, LONGEST)
    if isinstance(value, int | float):
        return value if isinstance(value, float) or -LARGEST <= value <= LARGEST else str(value)
    return [_text(item, LONGEST) for item in value[:100]]


def _text(text: str, longest: int) -> str:
    return cut(text if text.isascii() else text.encode("utf-8", "replace").decode(), longest)
