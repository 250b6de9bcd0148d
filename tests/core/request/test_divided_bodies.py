"""The cache of bodies: what it finds, and its bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.json.codec import MISSING
from mockllm.core.request import divided_bodies
from mockllm.core.request.divided_bodies import (
    MAX_BUCKET,
    MAX_PREFIXES,
    BodyCache,
    DividedBody,
    RemainingMembers,
)
from mockllm.core.request.typed_memo import MemoKey

LONG = "x" * 2500


def raw(turns: list[Any], tail: str = "", **head: Any) -> bytes:
    body = json.dumps({"model": "m", **head, "messages": turns})
    return (body[:-1] + tail + "}").encode()


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": f"{text} {LONG}"}


def read(cache: BodyCache, body: bytes) -> DividedBody:
    value, known = cache.read(body, "messages")
    assert known is not None
    assert value == json.loads(body)
    assert known.fields == value
    return known


def test_grown_conversation_parses_its_new_turns_only() -> None:
    cache = BodyCache()
    first = read(cache, raw([user("a")]))
    second = read(cache, raw([user("a"), 1, 2]))
    assert second.known_turns is first.all_turns
    assert second.items[0] is first.items[0]
    again = read(cache, raw([user("a")]))
    assert again.all_turns is first.all_turns
    assert again.items == first.items
    branch = read(cache, raw([user("a"), "b"]))
    assert branch.known_turns is first.all_turns
    assert read(cache, raw([user("a"), 1, 2, 3])).known_turns is second.all_turns


def test_prefixes_of_conversation_are_bounded() -> None:
    cache = BodyCache()
    first = read(cache, raw([user("a")]))
    for count in range(1, MAX_PREFIXES + 1):
        read(cache, raw([user("a"), *range(count)]))
    assert read(cache, raw([user("a")])).all_turns is not first.all_turns


def test_number_that_goes_on_is_another_turn() -> None:
    cache = BodyCache()
    read(cache, raw([user("a"), 1]))
    assert read(cache, raw([user("a"), 12])).items[1] == 12
    spaced, _ = cache.read(raw([user("a")]).replace(b"]}", b" , 5 ]}"), "messages")
    assert spaced == {"model": "m", "messages": [user("a"), 5]}


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages": "%b"}' % LONG.encode(),
        b'["%b"]' % LONG.encode(),
        b'{"messages": [], "x": "%b"}' % LONG.encode(),
        b'{"messages": [1]}',
        b'{"messages": [1], "messages": ["%b"]}' % LONG.encode(),
        b'{"message\\u0073": ["%b"]}' % LONG.encode(),
        b'{"messages": ["%b"], "\\u0061": 1}' % LONG.encode(),
        b'{"messages": [1, "%b"], "b": [], "b":2}' % LONG.encode(),
    ],
    ids=["text", "list", "no turns", "short", "twice", "escaped", "escaped next", "next twice"],
)
def test_body_without_clear_turns_has_no_parts(body: bytes) -> None:
    cache = BodyCache()
    for _ in range(2):
        value, known = cache.read(body, "messages")
        assert value == json.loads(body)
        assert known is None or known.items == json.loads(body)["messages"]


def test_body_that_is_not_json_is_missing() -> None:
    cache = BodyCache()
    assert cache.read(raw([user("a")])[:-1], "messages") == (MISSING, None)
    read(cache, raw([user("a")]))
    assert cache.read(raw([user("a")]).replace(b"}]}", b"},]}"), "messages") == (MISSING, None)
    assert cache.read(raw([user("a")]).replace(b"}]}", b"}]]}"), "messages") == (MISSING, None)


def test_body_with_deep_turns_is_read_as_whole() -> None:
    cache = BodyCache()
    read(cache, raw([user("a")]))
    deep: Any = 1
    for _ in range(198):
        deep = [deep]
    assert read(cache, raw([user("a"), deep])).depth == 200
    assert cache.read(raw([user("a"), [deep]]), "messages") == (MISSING, None)


def test_body_as_long_as_its_frame_is_another() -> None:
    """The head of a frame and its tail may overlap in another body."""
    cache = BodyCache()
    read(cache, b'{"messages": [1], "a": ["messages", "%b"]}' % LONG.encode())
    body = b'{"messages": [2], "b": ["%b"]}' % LONG.encode()
    assert cache.read(body, "messages")[0] == json.loads(body)
    frame = b'{"%b": 1, "messages": [' % LONG.encode()
    read(cache, frame + b"2]}")
    assert (
        cache._with_remaining_members(RemainingMembers(frame, frame, {}, {}, 1), frame + b"]}", "messages")
        is None
    )


def test_fold_ends_at_refused_turn() -> None:
    cache = BodyCache()
    seen: list[Any] = []

    def step(state: list[int], item: Any) -> bool:
        seen.append(item)
        state.append(item)
        return bool(item != 3)

    def copy(state: list[int] | None) -> list[int]:
        return [] if state is None else state.copy()

    start, key = LONG, MemoKey[list[int]]()
    assert read(cache, raw([start, 1])).reduce_turns(memo_key=key, initial=copy, step=step) == [start, 1]
    known = read(cache, raw([start, 1, 2]))
    assert (
        known.reduce_turns(memo_key=key, initial=copy, step=step)
        == known.reduce_turns(memo_key=key, initial=copy, step=step)
        == [start, 1, 2]
    )
    assert seen == [start, 1, 2]
    assert read(cache, raw([start, 1, 2, 3])).reduce_turns(memo_key=key, initial=copy, step=step) is None


def test_bytes_of_histories_and_frames_are_bounded() -> None:
    cache = BodyCache(turn_bytes=100_000, remaining_bytes=100_000)
    for number in range(100):
        read(cache, raw([user(f"conversation {number}")], system=f"{number} {LONG}"))
        assert cache.size <= 200_000
    for count in range(100):
        read(cache, raw([user("one"), *range(count)]))
        assert cache.size <= 200_000
    cache.clear()
    assert cache.size == 0


def test_histories_that_begin_alike_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = BodyCache()
    monkeypatch.setattr(divided_bodies, "HISTORY_KEY_BYTES", 1)
    for number in range(MAX_BUCKET + 9):
        read(cache, raw([user(f"conversation {number}")], f', "n": {number}'))
    newest = read(cache, raw([user(f"conversation {MAX_BUCKET}"), 1], ', "n": 1'))
    assert newest.known_turns.count == 1
    assert read(cache, raw([user("conversation 0"), 1], ', "n": 1')).known_turns.count == 0


def test_body_is_parsed_as_a_whole_while_a_thread_reads() -> None:
    cache = BodyCache()
    body = raw([user("a")])
    with cache._lock:
        assert cache.read(body, "messages") == (json.loads(body), None)
    read(cache, body)


def test_body_with_too_large_members_evicts_no_others() -> None:
    cache = BodyCache(remaining_bytes=200_000)
    read(cache, raw([user("a")]))
    size = cache._remaining_members.size
    large = raw([user("b")], f', "tools": "{20_000 * "x"}"')
    assert read(cache, large).fields == read(cache, large).fields
    assert cache._remaining_members.size == size > 0
