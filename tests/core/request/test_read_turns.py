"""Messages that a protocol reads from the turns of a body."""

from __future__ import annotations

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.divided_bodies import BodyCache
from mockllm.core.request.messages import Message, TextPart
from mockllm.core.request.read_turns import ReadTurns, read_new_turns, read_turns
from mockllm.core.request.stored_objects import EMPTY_LOOKUP, ObjectLookup


def add_turn(turns: ReadTurns, item: Json, lookup: ObjectLookup) -> None:
    turns.join(Message(item["role"], (TextPart(item["content"]),)))


def items_of(*roles: str) -> list[Json]:
    return [{"role": role, "content": f"{role} {number}"} for number, role in enumerate(roles)]


def texts_of(turns: ReadTurns | None) -> list[list[str]]:
    assert turns is not None
    return [[part.text for part in message.parts if type(part) is TextPart] for message in turns.messages]


def test_adjacent_messages_of_the_assistant_are_joined() -> None:
    items = items_of("assistant", "assistant", "assistant", "user", "user", "assistant", "assistant")
    assert texts_of(read_turns(items, add_turn, EMPTY_LOOKUP)) == [
        ["assistant 0", "assistant 1", "assistant 2"],
        ["user 3"],
        ["user 4"],
        ["assistant 5", "assistant 6"],
    ]


def test_new_turns_continue_a_joined_message() -> None:
    cache, first = BodyCache(), items_of("user", *["assistant"] * 200)
    raw = dumps({"messages": first})
    more = dumps({"messages": [*first, *items_of("assistant", "user")]})
    found = []
    for body in (raw, more, raw):
        divided = cache.read(body, "messages")[1]
        assert divided is not None
        found.append(read_new_turns(divided, add_turn))
    joined = [f"assistant {number}" for number in range(1, 201)]
    assert texts_of(found[0]) == texts_of(found[2]) == [["user 0"], joined]
    assert texts_of(found[1]) == [["user 0"], [*joined, "assistant 0"], ["user 1"]]


def test_joined_message_takes_linear_work() -> None:
    turns = ReadTurns()
    one = Message("assistant", (TextPart("a"),))
    for _ in range(3):
        turns.join(one)
    assert turns.messages == [one]  # no tuple of the parts so far
    turns.finish()
    assert turns.messages == [Message("assistant", one.parts * 3)]
