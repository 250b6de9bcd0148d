"""Streams that are paced anew each time and not rendered: as if they had been, within a bound."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.randomness import Ids
from mockllm.core.rendering.encoder import ChunkEntry
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import GeneratingDialect, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.registry import GENERATING_CALLS
from mockllm.engine import stream_cache
from mockllm.engine.stream_cache import Render, StreamCache, UnpacedStream
from tests.language.playing import NOW, Ask, Game, ask, chat

PACED = """
rules:
  - {name: made, match: {user: made}, reply: {text: {tokens: 40}, thinking: "Hm, well."}}
  - {name: called, match: {user: called}, reply: {tool_calls: [{name: look, arguments: {city: Oslo}}]}}
  - name: script
    match: {user: script}
    reply: {chunks: [One, {wait: 1s}, " two", " three"], usage: {input_tokens: 9}}
  - {name: seen, match: {user: seen}, reply: "You said {{ user }}."}
  - {name: blind, match: {user: blind}, reply: Blind.}
modifiers:
  - match: {stream: true}
    pace: {ttft: [10ms, 1s], tokens_per_second: [10, 90], jitter: 10ms, slowdown: [1, 2], chunk_size: 3 tokens}
  - {chance: 30%, match: {stream: true}, faults: [{stall: {after: {fraction: [10%, 90%]}, for: 1s}}]}
  - {chance: 20%, match: {stream: true}, faults: [length_stop]}
  - {per: api_key, limit: {strategy: token-bucket, requests: 1000, tokens: 100000, window: 1m}}
"""


def asks(dialect: GeneratingDialect, user: str) -> list[Ask]:
    """One thing asked again and again, a second later each time; in the middle another model is."""
    made = []
    for turn in range(9):
        wish = NeutralRequest(
            user=user, stream=True, max_tokens=500, model="another-model" if turn == 5 else None
        )
        composed = dialect.build_request(wish)
        path, _, query = composed.path.partition("?")
        more = {"query": query, "headers": composed.headers, "now": NOW + turn}
        made.append(ask(path, dumps(composed.body), **more))
    return made


def as_rendered(asked: Sequence[Ask], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said is what would be if no score were kept."""
    game = Game(PACED)
    said = [game.hear(each).answer for each in asked]

    def rendered(
        _: StreamCache, key: Hashable, stamp: ResponseIdentity, request: Request, render: Render
    ) -> UnpacedStream:
        return render(stamp, request)

    monkeypatch.setattr(StreamCache, "stream", rendered)
    other = Game(PACED)
    for mine, theirs in zip(said, (other.hear(each).answer for each in asked), strict=True):
        assert (mine.rule, mine.notes, mine.faults) == (theirs.rule, theirs.notes, theirs.faults)
        assert sorted(mine.plan.head.headers) == sorted(theirs.plan.head.headers)
        assert tuple(mine.plan.steps) == tuple(theirs.plan.steps)


@pytest.mark.parametrize("user", ["made", "called", "script", "seen", "blind"])
@pytest.mark.parametrize(
    "dialect", [call.dialect for call in GENERATING_CALLS], ids=[call.name for call in GENERATING_CALLS]
)
def test_answers_are_as_if_each_were_rendered(
    dialect: GeneratingDialect, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_rendered(asks(dialect, user), monkeypatch)


def test_what_one_provider_says_is_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one rule, where many speak one protocol."""
    as_rendered(
        [asks(dialect, "made")[turn] for turn in range(3) for _, _, dialect in GENERATING_CALLS], monkeypatch
    )


def test_what_the_body_decides_is_rendered_for_each() -> None:
    game = Game(PACED)
    for turn in range(8):
        told = bool(turn % 2)
        heard = game.hear(chat("made", stream=True, stream_options={"include_usage": told}))
        assert any("usage" in event.data for event in heard.events) is told


def test_one_that_reads_no_body_is_the_same_for_all_bodies() -> None:
    game = Game("validation: off\nrules: [{reply: Blind., stream: true, pace: {itl: [1ms, 9ms]}}]")
    asked = [ask("/v1/chat/completions", body) for body in (None, "x", "{}", '{"model": "m"}') * 2]
    heard = [game.hear(each) for each in asked]
    assert {each.text for each in heard} == {"Blind."}
    assert len({each.events[0].json["id"] for each in heard}) == len(heard)


# --- what is kept ----------------------------------------------------------------------------------


class Kitchen:
    """Renders streams, and counts how many."""

    def __init__(self, factor: int = 1, length: int = 1) -> None:
        self.rendered = 0
        self._factor = factor
        self._length = length

    def __call__(self, stamp: ResponseIdentity, request: Request) -> UnpacedStream:
        self.rendered += 1
        said = f"{stamp.ids.make('id-', 8)} {request.input_tokens * self._factor} {'x' * self._length}"
        steps = (EventStep(said.encode(), 1, "say"),)
        return UnpacedStream(Plan(ResponseHead(200, ()), steps, Framing.SSE), (ChunkEntry("x"),))


def heard(kept: StreamCache, kitchen: Kitchen, number: int, key: Hashable = "k") -> UnpacedStream:
    request = Request(method="POST", path="/", headers={}).with_input_tokens(number)
    stamp = ResponseIdentity(Ids(0, "", number), float(number))
    found, before = kept.stream(key, stamp, request, kitchen), kitchen.rendered
    wanted = kitchen(stamp, request)
    kitchen.rendered = before
    assert (found.plan, found.chunk_indexes) == (wanted.plan, wanted.chunk_indexes)
    return found


def test_what_is_asked_for_again_is_kept_with_its_sizes() -> None:
    kept, kitchen = StreamCache(), Kitchen()
    assert [heard(kept, kitchen, number).sizes for number in range(2)] == [None, None]
    before = kitchen.rendered
    assert [heard(kept, kitchen, number).sizes for number in range(9)] == [[0.0]] * 9
    assert kitchen.rendered == before


def test_what_a_score_would_give_otherwise_is_rendered_each_time() -> None:
    kept, kitchen = StreamCache(), Kitchen(factor=3)
    for number in range(1, 9):
        heard(kept, kitchen, number)
    assert kitchen.rendered == 8 + 1


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_cache, "KEPT", 30_000)
    kept, kitchen = StreamCache(), Kitchen(length=10_000)
    for key in range(4):
        heard(kept, kitchen, 1, key)
        heard(kept, kitchen, 2, key)
    before = kitchen.rendered
    heard(kept, kitchen, 3, 3)
    assert kitchen.rendered == before
    heard(kept, kitchen, 3, 0)
    assert kitchen.rendered > before


def test_what_was_seen_once_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_cache, "SEEN", 2)
    kept, kitchen = StreamCache(), Kitchen()
    for key in (0, 1, 2, 0, 1, 2):
        heard(kept, kitchen, 1, key)
    assert kitchen.rendered == 6
