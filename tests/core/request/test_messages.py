"""The turns of a conversation: its last results and its last assistant turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockllm.core.json.codec import MISSING, Json
from mockllm.core.request import messages
from mockllm.core.request.messages import (
    MAX_READ_JSON,
    Message,
    MessagePart,
    ResultPart,
    Role,
    TextPart,
    last_assistant_parts,
    last_results,
)

MANY = 20_000


class CountedMessages(list[Message]):
    """Messages that count how many of them are read."""

    reads = 0

    def __reversed__(self) -> Iterator[Message]:
        for message in super().__reversed__():
            self.reads += 1
            yield message


class CountedParts(tuple[MessagePart, ...]):
    """Parts that count how often they are read."""

    reads = 0

    def __iter__(self) -> Iterator[MessagePart]:
        type(self).reads += 1
        return super().__iter__()


def conversation(role: Role) -> CountedMessages:
    """One message, and then as many of the role as agents never send."""
    parts = (CountedParts((ResultPart(str(number), None, ""),)) for number in range(MANY))
    return CountedMessages([Message("system", ()), *(Message(role, part) for part in parts)])


@pytest.mark.parametrize("role", ["tool", "assistant"])
def test_last_parts_of_many_messages_are_read_once(role: Role) -> None:
    messages = conversation(role)
    CountedParts.reads = 0
    found = last_results(messages) if role == "tool" else last_assistant_parts(messages)
    assert found is not None
    assert [part.id for part in found if isinstance(part, ResultPart)] == [*map(str, range(MANY))]
    assert (messages.reads, CountedParts.reads) == (MANY + 1, MANY)


def test_last_assistant_turn_joins_its_messages_in_order() -> None:
    one, two, three = map(TextPart, "123")
    assistant = [Message("assistant", (one, two)), Message("assistant", (three,))]
    messages = [Message("assistant", (two,)), Message("user", (one,)), *assistant, Message("tool", ())]
    assert last_assistant_parts(messages) == (one, two, three)
    assert last_assistant_parts([Message("user", (one,))]) is None
    assert last_assistant_parts([Message("assistant", ())]) == ()


def test_json_of_a_result_is_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = "[" + "1" * (MAX_READ_JSON - 2) + "]"
    assert ResultPart("a", None, f"[{'1,' * 10}1]").json == [1] * 11
    read: list[str] = []

    def loads(text: str) -> Json:
        read.append(text)
        return 1

    monkeypatch.setattr(messages, "loads", loads)
    assert ResultPart("a", None, longest).json == 1
    assert ResultPart("a", None, longest + " ").json is MISSING
    assert len(read) == 1
