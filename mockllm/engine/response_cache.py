"""The response cache: responses and streams that are rendered once with placeholders, and filled for each equal
request.

A response enters the cache when its key is requested for the second time. It is then rendered with placeholders, too.
The cache stores the result only if filling it reproduces the response that was rendered without placeholders. So the
responses of an encoder that placeholders do not suit are rendered for each request. An engine has one cache, which
ends with the engine's catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, Protocol, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.rendering.encoder import TimedChunk
from mockllm.core.rendering.placeholders import Placeholders, Prerendered
from mockllm.core.rendering.plan import EventStep, Plan, WaitStep
from mockllm.core.rendering.prerendered_response import (
    PrerenderedResponse,
    PrerenderedStream,
    joined_steps,
    prerender_response,
    prerender_stream,
)
from mockllm.core.rendering.stored_parts import StoredParts, prerender_stored_parts
from mockllm.core.reply.reply import ContentElement, GeneratedToolCall, Part, Text, joined_text
from mockllm.core.reply.truncation import count_tokens
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate, split
from mockllm.dialects.dialect import Dialect, ResponseIdentity
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.planned_response import PlannedResponse
from mockllm.scenario.catalog import CompiledResponse

MAX_CACHED_BYTES: Final = 96 * 1024 * 1024
"""Bytes of all responses and streams in the cache. The oldest are evicted first."""
MAX_CACHED_STEPS: Final = 50_000
"""A plan of more steps is rendered for each request: its entry would evict all others."""
LARGE_EVENT: Final = 1024
"""Bytes. A larger event of a stream has speech or an image. It takes about as long to render as to copy."""
MAX_LARGE_EVENTS: Final = 2 * 1024 * 1024
"""A stream whose events are larger than `LARGE_EVENT` by more bytes in all is rendered for each request. Its entry is
compared byte by byte, and no other response is sent meanwhile: 150 ms for 12 MB, three minutes of speech."""
MIN_COMPARED_CHUNKS: Final = 8
"""A streamed generated tool call with fewer chunks is not cached. A cached response repeats the same bytes between
chunks. The comparison with the fresh response needs several chunks to verify that."""
MAX_KEY_TEXT: Final = 2_048
"""The most characters of a templated text or a tool's name in a key."""
MAX_REMEMBERED_KEYS: Final = 10_000
"""Keys that are stored as requested or as not cacheable."""

ReadStoredParts: TypeAlias = Callable[[Plan], StoredParts | None]
"""Returns the parts of a response that a dialect stores."""

R_co = TypeVar("R_co", "PlannedResponse", "EncodedStream", covariant=True)


class Render(Protocol[R_co]):
    """Renders a response for an identity, a request and its generated tool call, which all may hold placeholders."""

    def __call__(
        self, identity: ResponseIdentity, request: Request, tool_call: GeneratedToolCall | None, /
    ) -> R_co: ...


class CacheableResponse(Struct, frozen=True):
    """A response that the response cache may have, with its settings."""

    compiled: CompiledResponse
    settings: EffectiveSettings

    @staticmethod
    def of(compiled: CompiledResponse, settings: EffectiveSettings) -> CacheableResponse | None:
        """Return None for a response that the response cache cannot have."""
        return None if settings.cached_by is None else CacheableResponse(compiled, settings)


class EncodedStream(Struct, frozen=True):
    """A stream without the waits of the pace: its plan and its chunks, for pacing. `chunk_tokens`: see
    `tokens_by_chunk`; None if unknown."""

    plan: Plan
    chunks: Sequence[TimedChunk]
    chunk_tokens: Sequence[float] | None = None


class CacheEntry(Struct, frozen=True):
    """The common part of both kinds of entries."""

    prerendered: Prerendered

    def fits(self, request: Request, tool_call: GeneratedToolCall | None = None) -> bool:
        """Return whether the entry is the response to this request, too. Encoders compare times and token counts;
        each comparison must have the same result."""
        prerendered, output_tokens = self.prerendered, 0 if tool_call is None else tool_call.output_tokens
        return not prerendered.encoder_conditions or prerendered.fits(
            request.now, self._input_tokens(request), output_tokens
        )

    def _input_tokens(self, request: Request) -> int:
        return request.input_tokens if self.prerendered.uses_input_tokens else 0


class CachedResponse(CacheEntry, frozen=True):
    """A response with its waits, and the facts about it for journal and log."""

    prerendered: PrerenderedResponse
    planned: PlannedResponse

    def response_to(
        self, id_seed: bytes, request: Request, tool_call: GeneratedToolCall | None = None
    ) -> PlannedResponse:
        """Return the response to this request and its generated tool call, with this id seed."""
        planned = self.planned.with_placeholder_values(
            id_seed, self.compute_placeholder_values(id_seed, request, tool_call)
        )
        if tool_call is None or not tool_call.notes:
            return planned
        return replace(planned, notes=(*tool_call.notes, *planned.notes))

    def compute_placeholder_values(
        self, id_seed: bytes, request: Request, tool_call: GeneratedToolCall | None = None
    ) -> Sequence[bytes]:
        """Return the values of the placeholders for this request and its generated tool call, with this id seed."""
        return self.prerendered.compute_placeholder_values(
            id_seed, request.now, self._input_tokens(request), tool_call
        )


class CachedStream(CacheEntry, frozen=True):
    """The events of a stream. Its waits, faults and limits differ in each response."""

    prerendered: PrerenderedStream
    chunks: Sequence[TimedChunk]
    chunk_tokens: Sequence[float]

    def fill(self, identity: ResponseIdentity, request: Request) -> EncodedStream:
        """Return the stream for this request."""
        plan = self.prerendered.plan(identity.ids.id_seed, identity.now, self._input_tokens(request))
        return EncodedStream(plan, self.chunks, self.chunk_tokens)


def cache_key(
    settings: EffectiveSettings, dialect: Dialect, compiled: CompiledResponse, request: Request
) -> Hashable:
    """Return all that a cacheable response depends on beside ids, time and input tokens. Callers add its templated
    text or the name of its tool, and the tokens of the prompt cache."""
    if compiled.request_independent:
        return settings, dialect, request.query_string  # which selects a framing in some protocols
    stream = settings.merged.stream
    return (
        settings,
        dialect,
        request.stream if stream is None else stream,
        request.model,
        request.output_bounds.key,
        dialect.encoding_key(request),  # type: ignore[attr-defined]
    )


def key_with_text_or_tool(key: Hashable, text_or_tool: str) -> Hashable:
    """Return the key of a response whose text, or the name of the tool that it calls, the request determines.
    `text_or_tool` is empty where the request determines neither."""
    return (key, text_or_tool) if text_or_tool else key


class ResponseCache:
    """All responses and streams that are cached for one catalog."""

    def __init__(self) -> None:
        self.entries: BoundedCache[CachedResponse | CachedStream] = BoundedCache(MAX_CACHED_BYTES)
        self._cacheable: BoundedCache[bool] = BoundedCache(MAX_REMEMBERED_KEYS)
        """Whether a key that was requested before may be cached, by the key's hash: keys with a client's texts would
        take memory."""

    def find(
        self, key: Hashable, id_seed: bytes, request: Request, tool_call: GeneratedToolCall | None = None
    ) -> PlannedResponse | None:
        """Return the cached response to this request, with this id seed and its generated tool call."""
        entry = self.entries.get(key)
        if type(entry) is not CachedResponse or not entry.fits(request, tool_call):
            return None
        return entry.response_to(id_seed, request, tool_call)

    def render_and_cache(
        self,
        key: Hashable,
        identity: ResponseIdentity,
        request: Request,
        render: Render[PlannedResponse],
        read_stored_parts: ReadStoredParts | None = None,
        key_text_length: int = 0,
        tool_call: GeneratedToolCall | None = None,
    ) -> PlannedResponse:
        """Return what `render` returns of a response that `find` does not find, and cache it at its second
        occurrence. An error or a fault is not cached. `read_stored_parts` returns what is stored of a response.
        The key has `key_text_length` characters of a text or a tool's name that the request determines. `tool_call`
        is the generated tool call."""
        fresh = render(identity, request, tool_call)
        comparable = (
            tool_call is None or not tool_call.in_chunks or len(tool_call.chunks) >= MIN_COMPARED_CHUNKS
        )
        cacheable = fresh.error is None and not fresh.faults
        if comparable and self._remember_key(key, fresh.plan, cacheable):
            entry = render_cached_response(fresh, identity, request, render, read_stored_parts, tool_call)
            self._put(key, entry, request, key_text_length)
        return fresh

    def find_or_render_stream(
        self, key: Hashable, identity: ResponseIdentity, request: Request, render: Render[EncodedStream]
    ) -> EncodedStream:
        """Return a stream from the cache, else what `render` returns. `key` has all that the events depend on beside
        ids, time and input tokens."""
        entry = self.entries.get(key)
        if type(entry) is CachedStream and entry.fits(request):
            return entry.fill(identity, request)
        fresh = render(identity, request, None)
        if self._remember_key(key, fresh.plan):
            self._put(key, render_cached_stream(fresh, identity, request, render), request)
        return fresh

    def _remember_key(self, key: Hashable, plan: Plan, cacheable: bool = True) -> bool:
        """Remember at a key's first occurrence whether it may be cached. Return whether it is to be cached now: at a
        later occurrence, if it may be."""
        known = self._cacheable.get(hash(key))
        if known is None:
            self._cacheable.put(hash(key), cacheable and _is_worth_caching(plan))
        return known is True

    def _put(
        self,
        key: Hashable,
        entry: CachedResponse | CachedStream | None,
        request: Request,
        key_text_length: int = 0,
    ) -> None:
        if entry is None:
            self._cacheable.put(hash(key), False)
        else:
            # the key holds them; a model that nothing has read is in no key
            model = vars(request).get("model") or ""
            texts = key_text_length + len(model) + len(request.query_string)
            self.entries.put(key, entry, entry.prerendered.size + texts)


def _is_worth_caching(plan: Plan) -> bool:
    """Return whether an entry of the response cache saves more than it takes."""
    steps = plan.steps
    if len(steps) > MAX_CACHED_STEPS:
        return False
    size = sum(len(step.payload) for step in steps if type(step) is EventStep)
    return not plan.streamed or size <= MAX_LARGE_EVENTS + LARGE_EVENT * len(steps)


# --- rendering with placeholders ---------------------------------------------------------------------


def render_cached_response(
    fresh: PlannedResponse,
    identity: ResponseIdentity,
    request: Request,
    render: Render[PlannedResponse],
    read_stored_parts: ReadStoredParts | None,
    tool_call: GeneratedToolCall | None,
) -> CachedResponse | None:
    """Render a response with placeholders; None where that fails or does not reproduce the fresh response."""
    placeholders = Placeholders(identity.ids, identity.now, request.input_tokens, tool_call)
    try:
        planned = _render(render, placeholders, request)
        prerendered = prerender_response(planned.plan, placeholders)
        values = prerendered.compute_placeholder_values(
            identity.ids.id_seed, identity.now, request.input_tokens, tool_call
        )
        if _bytes_and_waits(prerendered.plan(values)) != _bytes_and_waits(fresh.plan):
            return None
        if tool_call is not None and (
            (*tool_call.notes, *planned.notes) != fresh.notes or not _has_no_wait_or_background(fresh.plan)
        ):
            return None
        tool_calls = _numbered_tool_calls(fresh, prerendered, values)
        if read_stored_parts is not None:
            prerendered = prerendered.with_stored_parts(
                prerender_stored_parts(prerendered.plan, read_stored_parts, values)
            )
    except Exception:
        # An encoder that computes from an id or a number what placeholders do not support raises, mostly a TypeError.
        # Any other error means the same: the response is not cached. The fresh one is valid, so no failure of this
        # second rendering may make it a 500.
        return None
    notes = fresh.notes if tool_call is None else planned.notes
    return CachedResponse(
        prerendered,
        replace(fresh, content=prerendered, notes=notes, tool_calls=tool_calls),
    )


def _has_no_wait_or_background(plan: Plan) -> bool:
    """Return whether a plan has no waits, and nothing goes on after it."""
    return plan.background is None and not any(type(step) is WaitStep for step in plan.steps)


def render_cached_stream(
    fresh: EncodedStream, identity: ResponseIdentity, request: Request, render: Render[EncodedStream]
) -> CachedStream | None:
    """Render a stream with placeholders; None where that fails or does not reproduce the fresh stream."""
    placeholders = Placeholders(identity.ids, identity.now, request.input_tokens)
    try:
        prerendered = prerender_stream(_render(render, placeholders, request).plan, placeholders)
        filled = prerendered.plan(identity.ids.id_seed, identity.now, request.input_tokens)
        if _all_fields(filled) != _all_fields(fresh.plan):
            return None
    except Exception:  # of any kind, for the reason in `render_cached_response`
        return None
    return CachedStream(prerendered, fresh.chunks, tokens_by_chunk(fresh.chunks))


def _render(render: Render[R_co], placeholders: Placeholders, request: Request) -> R_co:
    request = request.with_input_tokens(placeholders.input_tokens)
    request.now = placeholders.now
    return render(ResponseIdentity(placeholders.ids, placeholders.now), request, placeholders.call)


def _numbered_tool_calls(
    fresh: PlannedResponse, prerendered: PrerenderedResponse, values: Sequence[bytes]
) -> tuple[tuple[str | int, str], ...]:
    """Return the tool calls. An id that differs in each response is replaced by its index among the values."""
    # the values of the id patterns come first
    ids = [value.decode() for value in values[: len(prerendered.id_patterns)]]
    numbers = {id: number for number, id in enumerate(ids)}  # not of times and token counts
    for id, _ in fresh.tool_calls:
        if isinstance(id, str) and id not in numbers and any(part in id for part in ids):
            raise TypeError("the id of a tool call is composed of another id")
    return tuple((numbers.get(id, id) if isinstance(id, str) else id, tool) for id, tool in fresh.tool_calls)


def _bytes_and_waits(plan: Plan) -> tuple[object, ...]:
    """Return what a client receives, and when."""
    return plan.head.status, plan.head.headers, list(joined_steps(plan)), plan.framing, plan.delay


def _all_fields(plan: Plan) -> tuple[object, ...]:
    rest = (plan.steps, plan.framing, plan.delay, plan.delivery, plan.chunk_texts)
    return plan.head.status, plan.head.headers, *rest


# --- the tokens of chunks ----------------------------------------------------------------------------


def tokens_by_chunk(chunks: Sequence[TimedChunk]) -> Sequence[float]:
    """Return the tokens of each chunk.

    A chunk has a share of its part's tokens, since chunks that are counted one by one add up to more. Chunks that a
    script lists are counted one by one.
    """
    shares: dict[int, float] = {}
    chunk_tokens: list[float] = []
    for chunk in chunks:
        if type(chunk.part) is Text and chunk.part.exact_chunks:
            chunk_tokens.append(estimate(chunk.text))
            continue
        key = id(chunk.part)
        if key not in shares:
            shares[key] = _share(chunk.part)
        chunk_tokens.append(len(split(chunk.text)) * shares[key])
    return chunk_tokens


def _share(part: Part | None) -> float:
    """Return the factor from the tokens counted in a part's chunks to the tokens that the part counts as."""
    chunks: tuple[ContentElement, ...] = getattr(part, "chunks", ())
    counted = sum(len(split(chunk)) for chunk in chunks if type(chunk) is str)
    if not counted:
        return 0.0
    tokens = part.tokens if type(part) is Text else None
    return (count_tokens(joined_text(chunks)) if tokens is None else tokens) / counted
