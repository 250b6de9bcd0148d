"""The response cache: cached responses and streams equal rendered ones, within a bound, and nothing fails."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.json.codec import dumps
from mockllm.core.randomness import Ids
from mockllm.core.rendering.encoder import TimedChunk
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.engine import response_cache
from mockllm.engine.planned_response import PlannedResponse
from mockllm.engine.response_cache import EncodedStream, ResponseCache

Body = Callable[[ResponseIdentity, Request], Any]


class Renderer:
    """Renders responses, and counts how many."""

    def __init__(self, body: Body, error: str | None = None, faults: tuple[str, ...] = ()) -> None:
        self.rendered = 0
        self._body = body
        self._planned = PlannedResponse(
            Plan(ResponseHead(200, ()), ()), "a.yaml:a", ("m",), ("a note",), False, error, faults
        )

    def __call__(self, identity: ResponseIdentity, request: Request, call: object = None) -> PlannedResponse:
        self.rendered += 1
        body = EventStep(dumps(self._body(identity, request)), 0, "body")
        return replace(self._planned, content=Plan(ResponseHead(200, (("x", "y"),)), (body,)))


class StreamRenderer(Renderer):
    """The same for streams of one event."""

    def __call__(self, identity: ResponseIdentity, request: Request, call: object = None) -> EncodedStream:  # type: ignore[override]
        self.rendered += 1
        steps = (EventStep(dumps(self._body(identity, request)), 1, "chunk"),)
        return EncodedStream(Plan(ResponseHead(200, ()), steps, Framing.SSE), (TimedChunk("x"),))


def usual(identity: ResponseIdentity, request: Request) -> Any:
    return [identity.ids.make("id-", 8), identity.epoch_second, request.input_tokens]


def multiplied(identity: ResponseIdentity, request: Request) -> Any:
    return [identity.ids.make("id-", 8), request.input_tokens * 30_000_000]


def compared(identity: ResponseIdentity, request: Request) -> Any:
    return [identity.ids.make("id-", 8), request.input_tokens > 9]


def hashed(identity: ResponseIdentity, request: Request) -> Any:
    return sha256(identity.ids.make("", 8).encode()).hexdigest()


def formatted(identity: ResponseIdentity, request: Request) -> Any:
    return [identity.ids.make("id-", 8), f"{request.input_tokens:,}"]


def squared(identity: ResponseIdentity, request: Request) -> Any:
    return request.input_tokens * request.input_tokens


def dated(identity: ResponseIdentity, request: Request) -> Any:
    return int(request.now) % 86_400


def read(now: float = 0.0, tokens: int = 5) -> Request:
    return Request(method="POST", path="/", headers={}, now=now).with_input_tokens(tokens)


def respond(
    cache: ResponseCache,
    renderer: Renderer,
    number: int,
    now: float = 0.0,
    tokens: int = 5,
    key: Hashable = "k",
) -> Any:
    """The response, compared with a rendered one."""
    identity, request = ResponseIdentity(Ids(0, "", number), now), read(now, tokens)
    if isinstance(renderer, StreamRenderer):
        stream = cache.find_or_render_stream(key, identity, request, renderer)
        before, fresh_stream = renderer.rendered, renderer(identity, request)
        assert (stream.plan, stream.chunks) == (fresh_stream.plan, fresh_stream.chunks)
        renderer.rendered = before
        return stream
    planned = cache.find(key, identity.ids.id_seed, request)
    planned = planned or cache.render_and_cache(key, identity, request, renderer)
    before, fresh = renderer.rendered, renderer(identity, request)
    assert sent_bytes(planned.plan) == sent_bytes(fresh.plan)
    assert (
        replace(
            planned,
            content=fresh.content,
            id_seed=fresh.id_seed,
            placeholder_values=(),
        )
        == fresh
    )
    renderer.rendered = before
    return planned


KINDS = pytest.mark.parametrize("kind", [Renderer, StreamRenderer])


@KINDS
@pytest.mark.parametrize("body", [usual, multiplied])
def test_a_repeated_key_is_not_rendered_again(kind: type[Renderer], body: Body) -> None:
    cache, renderer = ResponseCache(), kind(body)
    for number in range(2):
        respond(cache, renderer, number)
    assert renderer.rendered == 3
    for number in range(20):
        respond(cache, renderer, number, number * 0.5, number * 50_000_000)
    assert renderer.rendered == 3


@KINDS
def test_a_comparison_that_changes_renders_again(kind: type[Renderer]) -> None:
    cache, renderer = ResponseCache(), kind(compared)
    for tokens in (1, 2, 3):
        respond(cache, renderer, tokens, tokens=tokens)
    assert renderer.rendered == 3
    for tokens in (10, 11, 12):
        respond(cache, renderer, tokens, tokens=tokens)
    assert renderer.rendered == 3 + 2


@KINDS
@pytest.mark.parametrize("body", [hashed, formatted, squared, dated])
def test_unsupported_arithmetic_is_not_cached(kind: type[Renderer], body: Body) -> None:
    """An encoder that a placeholder fails, or deceives, renders each response. Nothing raises."""
    cache, renderer = ResponseCache(), kind(body)
    for number in range(8):
        respond(cache, renderer, number, number * 40_000, number * 1_000)
    assert renderer.rendered == 8 + 1
    assert not cache.entries


@pytest.mark.parametrize(
    "renderer", [Renderer(usual, error="timeout"), Renderer(usual, faults=("malformed",))]
)
def test_errors_and_faults_are_not_cached(renderer: Renderer) -> None:
    cache = ResponseCache()
    for number in range(5):
        respond(cache, renderer, number)
    assert renderer.rendered == 5


def test_a_cached_stream_has_sizes() -> None:
    cache, renderer = ResponseCache(), StreamRenderer(usual)
    sizes = [respond(cache, renderer, number).chunk_tokens for number in range(4)]
    assert sizes == [None, None, [0.0], [0.0]]


@KINDS
def test_the_oldest_entries_leave_first(kind: type[Renderer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "MAX_CACHED_BYTES", 30_000)
    cache, renderer = ResponseCache(), kind(lambda identity, request: "x" * 10_000)
    for key in range(4):
        for number in range(3):
            respond(cache, renderer, number, key=key)
    before = renderer.rendered
    respond(cache, renderer, 9, key=3)
    assert renderer.rendered == before
    respond(cache, renderer, 9, key=0)
    assert renderer.rendered > before


def test_responses_and_streams_share_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "MAX_CACHED_BYTES", 30_000)
    cache, body = ResponseCache(), lambda identity, request: "x" * 10_000
    for key, kind in enumerate((Renderer, StreamRenderer) * 3):
        for number in range(3):
            respond(cache, kind(body), number, key=key)
    assert list(cache.entries) == [4, 5]


def test_keys_requested_once_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "MAX_REMEMBERED_KEYS", 2)
    cache, renderer = ResponseCache(), Renderer(usual)
    for key in (0, 1, 2, 0, 1, 2):
        respond(cache, renderer, 1, key=key)
    assert renderer.rendered == 6


def test_texts_of_the_key_count_toward_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "MAX_CACHED_BYTES", 30_000)
    cache, renderer = ResponseCache(), Renderer(usual)
    for number, model in enumerate(("m" * 40_000, "m" * 40_000, "n", "n")):
        request = Request(method="POST", path="/", headers={}, now=0.0)
        request.model = model
        cache.render_and_cache(model, ResponseIdentity(Ids(0, "", number), 0.0), request, renderer)
    assert list(cache.entries) == ["n"]


@pytest.mark.parametrize(
    ("kind", "size", "cached"),
    [(StreamRenderer, 11_000, False), (StreamRenderer, 10_900, True), (Renderer, 11_000, True)],
)
def test_a_stream_of_large_events_is_not_cached(
    kind: type[Renderer], size: int, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_cache, "LARGE_EVENT", 1_000)
    monkeypatch.setattr(response_cache, "MAX_LARGE_EVENTS", 10_000)
    cache, renderer = ResponseCache(), kind(lambda identity, request: "x" * size)
    for number in range(4):
        respond(cache, renderer, number)
    assert renderer.rendered == (3 if cached else 4)


@KINDS
def test_a_plan_of_too_many_steps_is_not_cached(
    kind: type[Renderer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_cache, "MAX_CACHED_STEPS", 0)
    cache, renderer = ResponseCache(), kind(usual)
    for number in range(3):
        respond(cache, renderer, number)
    assert renderer.rendered == 3
