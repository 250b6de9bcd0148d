"""Anthropic's prompt cache: which request writes, which reads, for how long, and what breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.tokens import estimate
from tests.engine.prompt_cache_clients import CachingClient, block, words, written_and_read

LONG = words(300)


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_marked_system_is_written_once_and_then_read() -> None:
    client = CachingClient()
    first = client.messages(system=[block(LONG)])
    second = client.messages(system=[block(LONG)], messages=[user("something else")])
    written, read = written_and_read(first)
    assert written > 1024
    assert read == 0
    assert written_and_read(second) == (0, written)


def test_counts_add_up_to_the_input() -> None:
    client = CachingClient()
    plain = client.messages(system=[block(LONG, marked=False)])
    first, second = (client.messages(system=[block(LONG)]) for _ in range(2))
    assert plain["input_tokens"] == first["input_tokens"] + first["cache_creation_input_tokens"]
    assert plain["input_tokens"] == second["input_tokens"] + second["cache_read_input_tokens"]


def test_few_tokens_follow_a_breakpoint_at_the_end() -> None:
    """Recorded: 3 or 4 input tokens beside 1,165 and 18,131 that were written."""
    usage = CachingClient().messages(messages=[user([block(LONG)])])
    assert 1 <= usage["input_tokens"] <= 4
    assert usage["cache_creation"] == {
        "ephemeral_5m_input_tokens": usage["cache_creation_input_tokens"],
        "ephemeral_1h_input_tokens": 0,
    }


def test_without_a_breakpoint_nothing_is_cached() -> None:
    client = CachingClient()
    assert [written_and_read(client.messages(system=LONG)) for _ in range(2)] == [(0, 0), (0, 0)]


def test_breakpoint_at_top_level_moves_with_conversation() -> None:
    client = CachingClient()
    turns = [user(LONG)]
    mark: dict[str, Any] = {"cache_control": {"type": "ephemeral"}}
    written, _ = written_and_read(client.messages(messages=turns, **mark))
    turns += [{"role": "assistant", "content": "Hello there."}, user("more")]
    more, read = written_and_read(client.messages(messages=turns, **mark))
    assert read == written
    assert 0 < more < 30


@pytest.mark.parametrize(
    ("ttl", "before", "after"), [(None, 299, 301), ("5m", 299, 301), ("1h", 3599, 3601)], ids=str
)
def test_entry_ends_after_its_lifetime(ttl: str | None, before: float, after: float) -> None:
    for at, hit in ((before, True), (after, False)):
        client = CachingClient()
        client.messages(system=[block(LONG, ttl)])
        assert (written_and_read(client.messages(at, system=[block(LONG, ttl)]))[1] > 0) is hit


def test_each_read_renews_the_lifetime() -> None:
    client = CachingClient()
    client.messages(system=[block(LONG)])
    assert all(written_and_read(client.messages(at, system=[block(LONG)]))[1] for at in (200, 400, 600))


def test_written_for_an_hour_is_counted_apart() -> None:
    usage = CachingClient().messages(
        system=[block(LONG, "1h")], messages=[user([block(words(200, "Now: "))])]
    )
    short = usage["cache_creation"]["ephemeral_5m_input_tokens"]
    hour = usage["cache_creation"]["ephemeral_1h_input_tokens"]
    assert hour > short > 1024
    assert hour + short == usage["cache_creation_input_tokens"]


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("claude-sonnet-5", 1024),
        ("claude-opus-5", 512),
        ("claude-opus-4-8", 1024),
        ("claude-opus-4-7", 2048),
        ("claude-opus-4-6", 4096),
        ("claude-opus-4-5-20251101", 4096),
        ("claude-haiku-4-5", 4096),
        ("claude-3-5-haiku-20241022", 2048),
        ("claude-3-haiku-20240307", 2048),
        ("claude-sonnet-4-20250514", 1024),
        ("claude-3-5-sonnet-20240620", 1024),
    ],
)
def test_shorter_prefix_than_the_minimum_is_not_cached(model: str, minimum: int) -> None:
    client = CachingClient()
    for sentences in (minimum // 9 - 8, minimum // 9 + 8):
        text = words(sentences)
        written, _ = written_and_read(client.messages(model=model, system=[block(text)]))
        assert (written > 0) is (estimate(text) >= minimum)
    assert written >= minimum


@pytest.mark.parametrize(
    ("model", "recorded"),
    [
        ("claude-sonnet-4-5", 1069),
        ("claude-sonnet-4-20250514", 1031),
        ("claude-3-5-sonnet-20240620", 1165),
        ("claude-3-5-haiku-20241022", 2091),
        ("claude-haiku-4-5", 7351),
        ("claude-sonnet-4-0", 4602),
    ],
)
def test_prefixes_as_long_as_recorded_ones_are_cached(model: str, recorded: int) -> None:
    client = CachingClient()
    text = words(recorded // 9 + 1)
    written, _ = written_and_read(client.messages(model=model, system=[block(text)]))
    assert abs(written - recorded) < 30
    assert written_and_read(client.messages(model=model, system=[block(text)])) == (0, written)


def test_moved_breakpoint_finds_entries_20_blocks_back() -> None:
    for blocks, hit in ((19, True), (21, False)):
        client = CachingClient()
        client.messages(messages=[user([block(LONG)])])
        more = [block(f"part {number}", marked=number == blocks - 1) for number in range(blocks)]
        usage = client.messages(messages=[user([block(LONG, marked=False), *more])])
        assert (written_and_read(usage)[1] > 0) is hit


def test_second_breakpoint_finds_what_is_further_back() -> None:
    client = CachingClient()
    client.messages(messages=[user([block(LONG)])])
    more = [block(f"part {number}", marked=number == 29) for number in range(30)]
    usage = client.messages(messages=[user([block(LONG), *more])])
    assert written_and_read(usage)[1] > 0


def test_change_after_the_breakpoint_still_hits() -> None:
    client = CachingClient()
    client.messages(system=[block(LONG)], messages=[user("one")])
    assert written_and_read(client.messages(system=[block(LONG)], messages=[user("two")]))[1] > 0


@pytest.mark.parametrize(
    "changed",
    [
        {"system": [block("Be brief. " + LONG)]},
        {"tools": [{"name": "other", "input_schema": {"type": "object"}}]},
        {"model": "claude-sonnet-4-6"},
        {"messages": [user([block("Today is Monday. " + LONG)])]},
    ],
    ids=["system", "tools", "model", "message"],
)
def test_change_before_the_breakpoint_misses(changed: dict[str, Any]) -> None:
    body: dict[str, Any] = {
        "system": [block("Be kind. " + LONG, marked=False)],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
        "messages": [user([block(LONG)])],
    }
    client = CachingClient()
    client.messages(**body)
    assert written_and_read(client.messages(**body))[1] > 0
    assert written_and_read(client.messages(**{**body, **changed}))[1] == 0


def test_tool_choice_misses_messages_and_reads_system() -> None:
    client = CachingClient()
    body: dict[str, Any] = {
        "system": [block(LONG)],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
        "messages": [user([block(words(150))])],
    }
    first = client.messages(**body)
    second = client.messages(**body, tool_choice={"type": "any"})
    written, read = written_and_read(second)
    assert 0 < written < first["cache_creation_input_tokens"]
    assert read + written == first["cache_creation_input_tokens"]


def test_marks_are_no_part_of_the_prompt() -> None:
    client = CachingClient()
    client.messages(system=[block(LONG)], messages=[user([block("hi")])])
    usage = client.messages(system=[block(LONG)], messages=[user("hi")])
    assert usage["cache_creation_input_tokens"] == 0
    assert usage["cache_read_input_tokens"] > 0


def test_caches_of_keys_and_sessions_are_separate() -> None:
    client = CachingClient()
    body: dict[str, Any] = {"system": [block(LONG)]}
    client.messages(**body)
    assert written_and_read(client.messages(key="other", **body))[1] == 0
    assert written_and_read(client.messages(session="a", **body))[1] == 0
    assert written_and_read(client.messages(session="a", **body))[1] > 0
    assert written_and_read(client.messages(**body))[1] > 0


def test_session_that_begins_anew_has_an_empty_cache() -> None:
    client = CachingClient()
    body: dict[str, Any] = {"system": [block(LONG)], "session": "a"}
    client.messages(**body)
    client.server.engine.state.end("a")
    assert written_and_read(client.messages(**body))[1] == 0


def test_reset_empties_the_cache() -> None:
    client = CachingClient()
    client.messages(system=[block(LONG)])
    client.server.engine.state.reset()
    assert written_and_read(client.messages(system=[block(LONG)]))[1] == 0


def test_stream_has_the_counts_at_its_start() -> None:
    client = CachingClient()
    body: dict[str, Any] = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 9,
        "stream": True,
        "system": [block(LONG)],
    }
    body["messages"] = [user("hi")]
    for written in (True, False):
        events = client.post("/v1/messages", body, headers={"anthropic-version": "2023-06-01"}).events
        usage = events[0].json["message"]["usage"]
        assert (usage["cache_creation_input_tokens"] > 0) is written
        assert (usage["cache_read_input_tokens"] > 0) is not written
        assert events[-2].json["usage"]["cache_read_input_tokens"] == usage["cache_read_input_tokens"]
