"""The stored completion that the chunks of a stream form."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.dialects.openai.chat.stored_calls import merge_chunks


def test_null_in_a_delta_adds_nothing() -> None:
    calls = [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}},
        {"index": 0, "function": {"name": None, "arguments": "{}"}},
    ]
    chunks: list[dict[str, Json]] = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]} for call in calls
    ]
    (choice,) = merge_chunks(chunks)["choices"]
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "weather", "arguments": "{}"}


def test_further_members_of_deltas_are_merged() -> None:
    deltas: list[dict[str, Json]] = [
        {"role": "assistant", "reasoning_content": "Let ", "annotations": [1], "flag": None},
        {"role": "assistant", "reasoning_content": "me see.", "annotations": [2], "flag": True},
    ]
    (choice,) = merge_chunks({"choices": [{"index": 0, "delta": delta}]} for delta in deltas)["choices"]
    message = choice["message"]
    assert (message["role"], message["reasoning_content"]) == ("assistant", "Let me see.")
    assert (message["annotations"], message["flag"]) == ([1, 2], True)
