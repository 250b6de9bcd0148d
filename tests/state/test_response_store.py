"""What is remembered of answers: by session, by name, and within bounds."""

from __future__ import annotations

from mockllm.core.request.stored_responses import NOTHING, Memo, Stored
from mockllm.state.response_store import Remembered
from mockllm.state.sessions import Sessions


def stored(id: str, size: int = 0) -> Stored:
    return Stored(id, None, b"", b"x" * size)


def test_a_response_is_found_in_its_session_by_each_of_its_names() -> None:
    memory = Sessions()
    memory.remember("a", Memo(("r", "item"), stored("r"), {"call": "tool"}))
    assert memory.recall("a").stored("r") == memory.recall("a").stored("item") == stored("r")
    assert memory.recall("a").call("call") == "tool"
    for name in ("r", "item", "other"):
        assert memory.recall("b").stored(name) is NOTHING.stored(name) is None
    assert memory.recall("b").call("call") is NOTHING.call("call") is None


def test_the_last_of_a_name_counts() -> None:
    memory = Remembered()
    memory.remember("", Memo(("one", "conversation"), stored("one")))
    memory.remember("", Memo(("two", "conversation"), stored("two")))
    assert memory.recall("").stored("conversation") == stored("two")


def test_what_is_forgotten_is_gone() -> None:
    memory = Remembered()
    memory.remember("", Memo(("r", "item"), stored("r")))
    memory.remember("", Memo(forgotten=("r", "item", "never there")))
    assert memory.recall("").stored("r") is memory.recall("").stored("item") is None


def test_the_oldest_make_room() -> None:
    memory = Remembered(size=5_000, calls=2)
    for name in ("one", "two", "three"):
        memory.remember("", Memo((name, f"{name}'s item"), stored(name, 1_500), {name: "tool"}))
    recall = memory.recall("")
    assert [recall.stored(name) is not None for name in ("one", "two", "three")] == [False, True, True]
    assert [recall.call(name) for name in ("one", "two", "three")] == [None, "tool", "tool"]
    memory.remember("", Memo(forgotten=("two", "two's item", "three", "three's item")))
    memory.remember("", Memo(("four",), stored("four", 4_000)))
    assert memory.recall("").stored("four") is not None


def test_what_is_too_large_for_all_the_room_is_not_kept() -> None:
    memory = Remembered(size=1_000)
    memory.remember("", Memo(("r",), stored("r", 2_000)))
    assert memory.recall("").stored("r") is None


def test_what_begins_alike_is_listed_in_its_order_also_after_a_change() -> None:
    memory = Remembered()
    for id in ("chat_1", "chat_2", "resp_1"):
        memory.remember("a", Memo((id, f"of {id}"), stored(id)))
    memory.remember("b", Memo(("chat_3",), stored("chat_3")))
    memory.remember("a", Memo(("chat_1",), stored("chat_1", 7)))
    assert memory.recall("a").all_stored("chat_") == [stored("chat_1", 7), stored("chat_2")]
    assert list(NOTHING.all_stored("chat_")) == []


def test_what_is_changed_takes_the_room_of_what_it_is_now() -> None:
    memory = Remembered(size=5_000)
    memory.remember("", Memo(("one",), stored("one", 3_000)))
    memory.remember("", Memo(("one",), stored("one", 1_000)))
    memory.remember("", Memo(("two",), stored("two", 2_500)))
    assert [each.id for each in memory.recall("").all_stored("")] == ["one", "two"]
