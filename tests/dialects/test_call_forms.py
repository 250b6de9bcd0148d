"""Each form of tool calls, in every protocol that has the place."""

from __future__ import annotations

import pytest

from tests.dialects.event_layouts import (
    ARGUMENTS,
    CALLS,
    ID,
    INDEX,
    kept,
    plain,
    played,
    protocols,
)
from tests.wire_events import wire_events


@pytest.mark.parametrize(
    ("how", "ids"),
    [("missing", set()), ("empty", {""}), ("repeated", {"a", "b"}), ("empty_later", {"a", "b", ""})],
)
@protocols
def test_id_of_call_has_form(call: str, how: str, ids: set[str]) -> None:
    found = played(call, "tool_call_chunks", CALLS, id=how)
    if call not in ID:
        assert "the response calls no tool" in found.notes
    elif how in ("repeated", "empty_later") and call != "openai-chat":
        assert "only the first event of a call has a place for its id" in found.notes
        assert kept(call, found, CALLS)
    else:
        assert set(found.column(ID[call])) == ids
        assert not found.notes


def test_repeated_id_is_in_each_chunk_of_its_call() -> None:
    found = played("openai-chat", "tool_call_chunks", CALLS, id="repeated").column(ID["openai-chat"])
    assert found == ["a"] * (len(found) // 2) + ["b"] * (len(found) // 2)
    later = played("openai-chat", "tool_call_chunks", CALLS, id="empty_later").column(ID["openai-chat"])
    assert [id for id in later if id] == ["a", "b"]
    assert len(later) == len(found)


def test_ids_that_are_not_there_are_reported() -> None:
    faults = [{"tool_call_chunks": {"id": how}} for how in ("missing", "empty")]
    found = wire_events("openai-chat", {"reply": CALLS, "faults": faults})
    assert "tool_call_chunks not applied: its calls have no id" in found.notes


@pytest.mark.parametrize(("how", "indexes"), [("missing", set()), ("wrong", {0})])
@protocols
def test_index_of_call_has_form(call: str, how: str, indexes: set[int]) -> None:
    found = played(call, "tool_call_chunks", CALLS, index=how)
    if call in INDEX:
        assert set(found.column(INDEX[call])) == indexes
    elif call in ID:
        assert "its calls have no index" in found.notes
    else:
        assert "the response calls no tool" in found.notes


@pytest.mark.parametrize("call", INDEX)
def test_wrong_index_of_single_call_is_next_one(call: str) -> None:
    found = played(call, "tool_call_chunks", {"tool_calls": CALLS["tool_calls"][:1]}, index="wrong")
    assert set(found.column(INDEX[call])) == {1}


@pytest.mark.parametrize("call", INDEX)
def test_interleaved_calls_alternate(call: str) -> None:
    found = played(call, "tool_call_chunks", CALLS, interleave=True)
    if call == "ollama-native_chat":
        assert "its calls come whole" in found.notes
        return
    numbers = found.column(INDEX[call])
    assert numbers == [0, 1] * (len(numbers) // 2)
    assert sorted(map(str, found.json)) == sorted(map(str, plain(call, CALLS).json)) or "responses" in call
    sequence = found.column("sequence_number")
    assert sequence == list(range(len(sequence)))


def test_interleave_needs_two_calls() -> None:
    one = {"tool_calls": CALLS["tool_calls"][:1]}
    found = played("openai-chat", "tool_call_chunks", one, interleave=True)
    assert "the response calls one tool only" in found.notes


@pytest.mark.parametrize("call", ID)
def test_placeholder_comes_before_arguments(call: str) -> None:
    found = played(call, "tool_call_chunks", CALLS, placeholder=True)
    if call not in ARGUMENTS:
        assert "its calls have their arguments as an object" in found.notes
        return
    parts = found.column(ARGUMENTS[call])
    assert parts.count("{}") == 2
    assert parts[0] == "{}"


def test_placeholder_of_whole_call_is_event_before() -> None:
    found = played("mistral-chat", "tool_call_chunks", CALLS, placeholder=True)
    calls = found.column("choices.0.delta.tool_calls")
    assert [call["function"]["arguments"] for calls in calls for call in calls].count("{}") == 2
