"""Every dialect through the response cache: its responses equal rendered ones, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import EventStep, Framing, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.dialect import CHAT, Chat
from mockllm.engine.repeated_requests import RepeatedRequests
from mockllm.engine.request_reader import RequestReader
from mockllm.engine.response_cache import CachedResponse, CachedStream
from tests.engine.cached_and_rendered import CALLS, Call, ask_call, compare
from tests.language.virtual_server import VirtualServer, chat_request, raw_request

EACH_CALL = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
EACH_FORM = pytest.mark.parametrize("stream", [False, True], ids=["non-streaming", "streaming"])

LARGEST = """
rules:
  - name: all
    reply:
      text: "Hello."
      thinking: "Hm, well."
      usage: {output_tokens: 1000000000, cached_tokens: 10, cache_write_tokens: 7, reasoning_tokens: 900000000}
"""
COUNTS = (999_999_999, 1_000_000_000, 1, 17, 18, 0, 123_456_789, 5, 1_000_000_000, 12)
"""The input tokens of the first to tenth request."""


def count_tokens(monkeypatch: pytest.MonkeyPatch, counts: Iterator[int]) -> None:
    """Each request has the next of these counts of input tokens."""
    original = RequestReader.read

    def read(
        self: RequestReader, raw: bytes, client: str, now: float, monotonic: float | None = None
    ) -> Request:
        return original(self, raw, client, now, monotonic).with_input_tokens(next(counts))

    monkeypatch.setattr(RequestReader, "read", read)
    monkeypatch.setattr(
        RepeatedRequests, "has_come_before", lambda *_: False
    )  # equal bodies have equal counts


@EACH_FORM
@EACH_CALL
@pytest.mark.covering
def test_largest_counts_equal_uncached_ones(
    call: Call, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first, second, third and tenth response, and the others."""
    counts = iter([count for count in COUNTS for _ in range(2)])  # for the engine with a cache, then without
    count_tokens(monkeypatch, counts)
    compare(LARGEST, [ask_call(call, "hi", turn, stream=stream) for turn in range(len(COUNTS))])


PACED = """
rules:
  - {name: made, match: {user: made}, reply: {text: {tokens: 40}, thinking: "Hm, well."}}
  - {name: called, match: {user: called}, reply: {tool_calls: [{name: look, arguments: {city: Oslo}}]}}
  - name: script
    match: {user: script}
    reply: {chunks: [One, {wait: 1s}, " two", " three"], usage: {input_tokens: 9}}
  - {name: broken, match: {user: broken}, reply: {chunks: [One, " two", {error: overloaded}]}}
  - {name: seen, match: {user: seen}, reply: "You said {{ user }}."}
  - {name: blind, match: {user: blind}, reply: Blind.}
modifiers:
  - match: {stream: true}
    pace: {ttft: [10ms, 1s], tokens_per_second: [10, 90], jitter: 10ms, slowdown: [1, 2], chunk_size: 3 tokens}
  - {chance: 30%, match: {stream: true}, faults: [{stall: {after: {fraction: [10%, 90%]}, for: 1s}}]}
  - {chance: 20%, match: {stream: true}, faults: [length_stop]}
  - {per: api_key, limit: {strategy: token-bucket, requests: 1000, tokens: 100000, window: 1m}}
"""
RANDOM_WAITS = "rules: [{reply: Hello., pace: {itl: [1ms, 9ms]}}]"
PLAIN = PACED.partition("modifiers:")[0]


USERS = ("made", "called", "script", "broken", "seen", "blind")


@pytest.mark.parametrize(
    "scenario", [pytest.param(PLAIN, id="at once"), pytest.param(PACED, id="paced", marks=pytest.mark.full)]
)
@EACH_FORM
@EACH_CALL
@pytest.mark.covering
def test_cached_responses_equal_rendered_ones(call: Call, stream: bool, scenario: str) -> None:
    """The same request nine times, with another model in the middle."""
    turns = [(turn, "another-model" if turn == 5 else None) for turn in range(9)]
    requested = [
        ask_call(call, user, turn, stream=stream, model=model) for user in USERS for turn, model in turns
    ]
    compare(scenario, requested)


UNCACHEABLE = {"together-completions"}
"""Its id is a hash of an id in JSON that another dialect wrote."""


CHECKSUMMED = {Framing.AWS_EVENT_STREAM, Framing.AWS_EVENT_STREAM_BYTES}
"""Each of their frames has a checksum of its bytes, ids included; a paced stream is cached before it is framed."""


@EACH_FORM
@pytest.mark.parametrize(("name", "call"), CALLS.items(), ids=CALLS)
@pytest.mark.covering
def test_responses_of_every_call_are_cached(name: str, call: Call, stream: bool) -> None:
    requested = [ask_call(call, "made", turn, stream=stream) for turn in range(3)]
    entries = list(compare(PLAIN, requested).engine._planner.response_cache.entries.values())
    checksummed = stream and not CHECKSUMMED.isdisjoint(call.dialect.capabilities.framings)
    cached = name not in UNCACHEABLE and not checksummed
    assert any(type(entry) is CachedResponse for entry in entries) is cached
    entries = list(compare(RANDOM_WAITS, requested).engine._planner.response_cache.entries.values())
    assert any(type(entry) is CachedStream for entry in entries) is (stream and name not in UNCACHEABLE)


OWN_HEADERS = "rules: [{reply: Hello., headers: {x-a: b, Request-Id: own}}]"


@EACH_FORM
@EACH_CALL
@pytest.mark.covering
def test_headers_of_a_rule_have_the_same_order(call: Call, stream: bool) -> None:
    compare(OWN_HEADERS, [ask_call(call, "made", turn, stream=stream) for turn in range(3)])


def test_dialects_do_not_share_entries() -> None:
    """Of one rule, in many dialects that share a protocol."""
    turns = [(turn, call) for turn in range(3) for call in CALLS.values()]
    compare(PLAIN, [ask_call(call, "made", turn, stream=True) for turn, call in turns])


def test_fields_of_the_body_select_the_entry() -> None:
    game = VirtualServer(PACED)
    for turn in range(8):
        counted = bool(turn % 2)
        received = game.respond(chat_request("made", stream=True, stream_options={"include_usage": counted}))
        assert any("usage" in event.data for event in received.events) is counted


def test_an_unread_body_does_not_select_the_entry() -> None:
    game = VirtualServer("validation: off\nrules: [{reply: Blind., stream: true, pace: {itl: [1ms, 9ms]}}]")
    requested = [
        raw_request("/v1/chat/completions", body) for body in (None, "x", "{}", '{"model": "m"}') * 2
    ]
    received = [game.respond(each) for each in requested]
    assert {each.text for each in received} == {"Blind."}
    assert len({each.events[0].json["id"] for each in received}) == len(received)


# --- a dialect that computes -------------------------------------------------------------------------


class Ollama(Chat):
    """A chat that reports durations in nanoseconds, as Ollama does."""

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().encode_body(reply, request, identity)
        took = reply.usage.input * 30_000_000
        body = {"prompt_eval_duration": took, "total_duration": took + reply.usage.output * 50_000_000}
        return Plan(plan.head, (EventStep(dumps(body), 0, "body"),))


@pytest.mark.parametrize("tokens", [1, 1_000, 1_000_000_000])
def test_a_multiplied_token_count_is_cached(tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each response is a 200, not the first one only."""
    monkeypatch.setattr(CHAT, "__class__", Ollama)
    count_tokens(monkeypatch, iter([tokens + turn for turn in range(10) for _ in range(2)]))
    game = compare("rules: [{reply: Hello.}]", [chat_request("hi") for _ in range(10)])
    assert game.engine._planner.response_cache.entries
