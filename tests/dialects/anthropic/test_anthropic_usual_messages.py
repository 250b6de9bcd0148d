"""Messages that the check accepts at once: the whole check accepts each of them, too."""

from __future__ import annotations

from random import Random

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic import content_check
from mockllm.dialects.anthropic.server_use_check import ServerUses
from mockllm.dialects.anthropic.tool_call_pairs import check_pairs


def any_of(random: Random, *usual: Json) -> Json:
    odd: list[Json] = ["", " ", None, 1, True, [], {}, [None], {"type": "text"}]
    return random.choice(usual if random.random() < 0.9 else odd)


def some(random: Random, members: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in members.items() if random.random() < 0.95}


def mark(random: Random) -> dict[str, Json]:
    """Return a breakpoint of a block, for one in ten."""
    value = any_of(random, {"type": "ephemeral"}, {"type": "ephemeral", "ttl": any_of(random, "1h")})
    return {"cache_control": value} if random.random() < 0.1 else {}


def text(random: Random) -> Json:
    block: dict[str, Json] = {
        "type": any_of(random, "text", "text", "image"),
        "text": any_of(random, "Hello."),
    }
    citations = {"citations": any_of(random, [])} if random.random() < 0.1 else {}
    return some(random, block | citations | mark(random))


def block(random: Random) -> Json:
    call = {
        "type": "tool_use",
        "id": any_of(random, "a", "an id"),
        "name": any_of(random, "f"),
        "input": any_of(random, {}),
    }
    result = {
        "type": "tool_result",
        "tool_use_id": any_of(random, "a"),
        "content": any_of(random, "found", [text(random) for _ in range(random.choice([1, 2]))]),
    } | ({"is_error": any_of(random, True, False)} if random.random() < 0.3 else {})
    return any_of(
        random, text(random), some(random, call | mark(random)), some(random, result | mark(random))
    )


def message(random: Random) -> Json:
    blocks = [block(random) for _ in range(random.choice([0, 1, 1, 2]))]
    members = {
        "role": any_of(random, "user", "assistant", "system"),
        "content": any_of(random, "Hello.", " ", blocks, blocks),
    }
    return any_of(random, some(random, members))


def test_usual_messages_pass_the_whole_check() -> None:
    random = Random(1)
    usual = [
        entry
        for entry in (message(random) for _ in range(40_000))
        if content_check._fast_accepts_shape(entry)
    ]
    kinds = {block["type"] for entry in usual if type(entry["content"]) is list for block in entry["content"]}
    assert kinds == {"text", "tool_use", "tool_result"}
    for entry in usual:
        content_check.check_message_shapes([entry])
        content_check._check_contents([entry, {"role": "system", "content": "x"}])
        ServerUses().add(0, entry)


def test_agents_messages_are_usual() -> None:
    result: Json = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "1"}]}
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}, "cache_control": {"type": "ephemeral"}}
    for entry in (
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "text", "text": "I look."}, call]},
        {"role": "user", "content": [result, {**result, "content": "x", "is_error": True}]},
    ):
        assert content_check._fast_accepts_shape(entry)


def conversation(random: Random) -> list[Json]:
    """Nearly always right: texts, calls with their results, tools of the server; now and then another message."""
    messages: list[Json] = []
    for number in range(random.choice([1, 2, 3])):
        id = random.choice(["a", f"call_{number}", "an id"])
        call: Json = {"type": "tool_use", "id": id, "name": "f", "input": {}}
        use: Json = {"type": "server_tool_use", "id": id, "name": "web_search", "input": {}}
        found: Json = {"type": "web_search_tool_result", "tool_use_id": id, "content": []}
        result: Json = {"type": "tool_result", "tool_use_id": id, "content": "x"}
        content: Json = random.choice([[call], [call], "Hello.", [use, found], [use]])
        messages += [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": content},
            {"role": "user", "content": [result] if content == [call] else "more"},
        ]
    if random.random() < 0.5:
        messages[random.randrange(len(messages))] = message(random)
    return messages


def test_passing_conversations_pass_the_whole_check() -> None:
    random = Random(2)
    passing = 0
    for _ in range(5_000):
        messages = conversation(random)
        if content_check.fast_accepts_all(messages):
            content_check.check_message_shapes(messages)
            content_check.check_contents_and_order(messages)
            passing += 1
    assert 1_000 < passing < 4_000


class CountingBlock(dict[str, Json]):
    """A block that counts how often the id of a result is read."""

    reads = 0

    def __getitem__(self, name: str) -> Json:
        CountingBlock.reads += name == "tool_use_id"
        return super().__getitem__(name)


def test_id_of_each_result_is_read_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CountingBlock, "reads", 0)
    calls: Json = [{"type": "tool_use", "id": str(number), "name": "f", "input": {}} for number in range(200)]
    results: Json = [CountingBlock(type="tool_result", tool_use_id=str(number)) for number in range(200)]
    messages: Json = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": calls},
        {"role": "user", "content": results},
    ]
    check_pairs(messages)
    assert 0 < CountingBlock.reads <= 400


def test_ids_of_a_group_are_copied_once_for_each_body() -> None:
    def called(id: str) -> Json:
        return {"type": "tool_use", "id": id, "name": "f", "input": {}}

    def result(id: str) -> Json:
        return {"type": "tool_result", "tool_use_id": id, "content": "x"}

    group = content_check.LastGroup()
    assert content_check._fast_accepts_next(group, {"role": "user", "content": [result("a")]}) is True
    results = group.results
    assert content_check._fast_accepts_next(group, {"role": "user", "content": [result("b")]}) is True
    assert group.results is results
    other = content_check.LastGroup()
    assert (
        content_check._fast_accepts_next(other, {"role": "assistant", "content": [called("a"), called("b")]})
        is True
    )
    calls = other.calls
    assert content_check._fast_accepts_next(other, {"role": "assistant", "content": [called("c")]}) is True
    assert other.calls is calls
    continued = content_check._initial_group(other)
    assert (
        content_check._fast_accepts_next(continued, {"role": "assistant", "content": [called("d")]}) is True
    )
    assert (len(other.calls), len(continued.calls)) == (3, 4)
