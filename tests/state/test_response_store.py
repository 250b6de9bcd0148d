"""What is remembered of answers: by session, by name, and within bounds."""

from __future__ import annotations

from mockllm.core.request.stored_responses import NOTHING, StoredResponse, StoreUpdate
from mockllm.state.response_store import ResponseStore
from mockllm.state.sessions import Sessions


def stored(id: str, size: int = 0) -> StoredResponse:
    return StoredResponse(id, None, b"", b"x" * size)


def test_a_response_is_found_in_its_session_by_each_of_its_names() -> None:
    memory = Sessions()
    memory.remember("a", StoreUpdate(("r", "item"), stored("r"), {"call": "tool"}))
    assert memory.recall("a").stored("r") == memory.recall("a").stored("item") == stored("r")
    assert memory.recall("a").call("call") == "tool"
    for name in ("r", "item", "other"):
        assert memory.recall("b").stored(name) is NOTHING.stored(name) is None
    assert memory.recall("b").call("call") is NOTHING.call("call") is None


def test_the_last_of_a_name_counts() -> None:
    memory = ResponseStore()
    memory.remember("", StoreUpdate(("one", "conversation"), stored("one")))
    memory.remember("", StoreUpdate(("two", "conversation"), stored("two")))
    assert memory.recall("").stored("conversation") == stored("two")


def test_what_is_forgotten_is_gone() -> None:
    memory = ResponseStore()
    memory.remember("", StoreUpdate(("r", "item"), stored("r")))
    memory.remember("", StoreUpdate(forgotten=("r", "item", "never there")))
    assert memory.recall("").stored("r") is memory.recall("").stored("item") is None


def test_the_oldest_make_room() -> None:
    memory = ResponseStore(size=5_000, calls=2)
    for name in ("one", "two", "three"):
        memory.remember("", StoreUpdate((name, f"{name}'s item"), stored(name, 1_500), {name: "tool"}))
    recall = memory.recall("")
    assert [recall.stored(name) is not None for name in ("one", "two", "three")] == [False, True, True]
    assert [recall.call(name) for name in ("one", "two", "three")] == [None, "tool", "tool"]
    memory.remember("", StoreUpdate(forgotten=("two", "two's item", "three", "three's item")))
    memory.remember("", StoreUpdate(("four",), stored("four", 4_000)))
    assert memory.recall("").stored("four") is not None


def test_what_is_too_large_for_all_the_room_is_not_kept() -> None:
    memory = ResponseStore(size=1_000)
    memory.remember("", StoreUpdate(("r",), stored("r", 2_000)))
    assert memory.recall("").stored("r") is None


def test_what_begins_alike_is_listed_in_its_order_also_after_a_change() -> None:
    memory = ResponseStore()
    for id in ("chat_1", "chat_2", "resp_1"):
        memory.remember("a", StoreUpdate((id, f"of {id}"), stored(id)))
    memory.remember("b", StoreUpdate(("chat_3",), stored("chat_3")))
    memory.remember("a", StoreUpdate(("chat_1",), stored("chat_1", 7)))
    assert memory.recall("a").all_stored("chat_") == [stored("chat_1", 7), stored("chat_2")]
    assert list(NOTHING.all_stored("chat_")) == []


def test_what_is_changed_takes_the_room_of_what_it_is_now() -> None:
    memory = ResponseStore(size=5_000)
    memory.remember("", StoreUpdate(("one",), stored("one", 3_000)))
    memory.remember("", StoreUpdate(("one",), stored("one", 1_000)))
    memory.remember("", StoreUpdate(("two",), stored("two", 2_500)))
    assert [each.id for each in memory.recall("").all_stored("")] == ["one", "two"]
