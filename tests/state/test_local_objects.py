"""Stored responses: by session, by name, and within bounds."""

from __future__ import annotations

import sys
import threading
import tracemalloc
from collections.abc import Iterator

import pytest

from mockllm.core.request.stored_objects import (
    EMPTY_LOOKUP,
    MAX_STORED_BYTES,
    StorageUpdate,
    StoredObject,
)
from mockllm.state import local_objects
from mockllm.state.engine_state import EngineState
from mockllm.state.local_objects import LocalObjects


def stored(id: str, size: int = 0) -> StoredObject:
    return StoredObject(id, None, b"", b"x" * size)


def test_stored_response_is_found_by_session_and_name() -> None:
    counters = EngineState()
    counters.apply_storage_update("a", StorageUpdate(("r", "item"), stored("r"), {"call": "tool"}))
    assert counters.lookup("a").stored("r") == counters.lookup("a").stored("item") == stored("r")
    assert counters.lookup("a").tool_by_call_id("call") == "tool"
    for name in ("r", "item", "other"):
        assert counters.lookup("b").stored(name) is EMPTY_LOOKUP.stored(name) is None
    assert counters.lookup("b").tool_by_call_id("call") is EMPTY_LOOKUP.tool_by_call_id("call") is None


def test_stored_response_last_of_name_is_found() -> None:
    counters = LocalObjects()
    counters.apply_storage_update("", StorageUpdate(("one", "conversation"), stored("one")))
    counters.apply_storage_update("", StorageUpdate(("two", "conversation"), stored("two")))
    assert counters.lookup("").stored("conversation") == stored("two")


def test_forgotten_response_is_missing() -> None:
    counters = LocalObjects()
    counters.apply_storage_update("", StorageUpdate(("r", "item"), stored("r")))
    counters.apply_storage_update("", StorageUpdate(forgotten=("r", "item", "never there")))
    assert counters.lookup("").stored("r") is counters.lookup("").stored("item") is None


def test_oldest_responses_are_removed_first() -> None:
    counters = LocalObjects(size=6_200, call_size=1_000)
    for name in ("one", "two", "three"):
        counters.apply_storage_update(
            "", StorageUpdate((name, f"{name}'s item"), stored(name, 1_500), {name: "tool"})
        )
    lookup = counters.lookup("")
    assert [lookup.stored(name) is not None for name in ("one", "two", "three")] == [False, True, True]
    assert [lookup.tool_by_call_id(name) for name in ("one", "two", "three")] == [None, "tool", "tool"]
    counters.apply_storage_update("", StorageUpdate(forgotten=("two", "two's item", "three", "three's item")))
    counters.apply_storage_update("", StorageUpdate(("four",), stored("four", 4_000)))
    assert counters.lookup("").stored("four") is not None


def test_too_large_response_is_not_stored() -> None:
    counters = LocalObjects(size=1_000)
    counters.apply_storage_update("", StorageUpdate(("r",), stored("r", 2_000)))
    assert counters.lookup("").stored("r") is None


def test_object_beyond_the_bound_removes_no_other() -> None:
    objects = LocalObjects(size=3_000)
    objects.apply_storage_update("other", StorageUpdate(("small",), stored("small")))
    large = StorageUpdate(("r",), stored("r", 1_500), {"call": "tool"}, others=(stored("s", 1_500),))
    assert not objects.apply_storage_update("", large)
    assert objects.lookup("").tool_by_call_id("call") == "tool"
    assert objects.lookup("").stored("s") is None
    assert objects.lookup("other").stored("small") is not None
    assert objects.apply_storage_update("", large._replace(others=()))


def test_changed_object_outlives_unchanged_ones() -> None:
    objects = LocalObjects(size=6_000)
    for name, size in (("one", 1_000), ("two", 1_000), ("one", 3_500)):
        assert objects.apply_storage_update("", StorageUpdate((name,), stored(name, size)))
    assert [each.id for each in objects.lookup("").all_stored("")] == ["one"]


def test_all_stored_by_prefix_is_in_order_after_change() -> None:
    counters = LocalObjects()
    for id in ("chat_1", "chat_2", "resp_1"):
        counters.apply_storage_update("a", StorageUpdate((id, f"of {id}"), stored(id)))
    counters.apply_storage_update("b", StorageUpdate(("chat_3",), stored("chat_3")))
    counters.apply_storage_update("a", StorageUpdate(("chat_1",), stored("chat_1", 7)))
    assert list(counters.lookup("a").all_stored("chat_")) == [stored("chat_1", 7), stored("chat_2")]
    assert list(EMPTY_LOOKUP.all_stored("chat_")) == []


def test_list_of_a_long_session_is_stored_until_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_objects, "MANY_OBJECTS", 3)
    counters = LocalObjects()
    lookup = counters.lookup("a")
    for id in ("chat_1", "chat_2", "file_1"):
        assert lookup.all_stored("chat_") is not lookup.all_stored("chat_")
        counters.apply_storage_update("a", StorageUpdate((id,), stored(id)))
    listed, none = lookup.all_stored("chat_"), lookup.all_stored("other_")
    assert (listed.derived(len), listed.derived(len)) == (2, 2)  # type: ignore[attr-defined]
    counters.apply_storage_update("b", StorageUpdate(("chat_3",), stored("chat_3")))
    counters.apply_storage_update("a", StorageUpdate(("file_1",), stored("file_1", 7)))
    counters.apply_storage_update("a", StorageUpdate(forgotten=("file_1",), others=(stored("file_2"),)))
    assert lookup.all_stored("chat_") is listed
    counters.apply_storage_update("a", StorageUpdate(("chat_1",), stored("chat_1", 7)))
    assert list(lookup.all_stored("chat_")) == [stored("chat_1", 7), stored("chat_2")]
    assert lookup.all_stored("other_") is none
    counters.apply_storage_update("a", StorageUpdate(forgotten=("chat_1",)))
    assert list(lookup.all_stored("chat_")) == [stored("chat_2")]


def test_oldest_list_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_objects, "MANY_OBJECTS", 1)
    monkeypatch.setattr(local_objects, "MAX_LISTS", 2)
    counters = LocalObjects()
    counters.apply_storage_update("a", StorageUpdate(("chat_1",), stored("chat_1")))
    lookup = counters.lookup("a")
    first, second, third = (lookup.all_stored(prefix) for prefix in ("chat_", "chat", "file"))
    assert lookup.all_stored("chat") is second
    assert lookup.all_stored("file") is third
    assert lookup.all_stored("chat_") is not first


@pytest.mark.parametrize("by", ["end", "removal"])
def test_lists_end_with_their_session(monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    monkeypatch.setattr(local_objects, "MANY_OBJECTS", 1)
    counters, update = LocalObjects(), StorageUpdate(("chat_1",), stored("chat_1"))
    counters.apply_storage_update("a", update)
    listed = counters.lookup("a").all_stored("file_")
    assert counters.lookup("a").all_stored("file_") is listed
    if by == "end":
        counters.end("a")
    else:
        counters.apply_storage_update("a", StorageUpdate(forgotten=("chat_1",)))
    counters.apply_storage_update("a", update)
    assert counters.lookup("a").all_stored("file_") is not listed


def test_changed_response_has_new_size() -> None:
    counters = LocalObjects(size=5_400)
    counters.apply_storage_update("", StorageUpdate(("one",), stored("one", 3_000)))
    counters.apply_storage_update("", StorageUpdate(("one",), stored("one", 1_000)))
    counters.apply_storage_update("", StorageUpdate(("two",), stored("two", 2_500)))
    assert [each.id for each in counters.lookup("").all_stored("")] == ["one", "two"]


def test_stored_bytes_are_about_the_real_ones() -> None:
    store = LocalObjects()
    tracemalloc.start()
    try:
        for number in range(1_000):
            body = b"%0800d" % number
            store.apply_storage_update(
                "",
                StorageUpdate(
                    (f"chat-{number:030}",), StoredObject(f"chat-{number:030}", None, body, body[:100])
                ),
            )
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    counted = MAX_STORED_BYTES - store._free
    assert 0.7 * used < counted < 2 * used


def test_calls_are_bounded_in_bytes() -> None:
    store = LocalObjects(call_size=10_000)
    for number in range(100):
        store.apply_storage_update("a", StorageUpdate(tool_calls={f"call-{number}": "t" * 1_000}))
        store.apply_storage_update("a", StorageUpdate(tool_calls={f"call-{number}": "t" * 2_000}))
    assert sum(store.lookup("a").tool_by_call_id(f"call-{number}") is not None for number in range(100)) == 4
    store.end("a")
    assert store._free_for_calls == 10_000


@pytest.fixture
def fast_switches() -> Iterator[None]:
    """Threads take turns as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("fast_switches")
def test_thread_reads_while_responses_change() -> None:
    responses, mistakes, done = LocalObjects(), list[BaseException](), threading.Event()
    for number in range(200):
        responses.apply_storage_update("s", StorageUpdate((f"r{number}", "last"), stored(f"r{number}")))

    def read() -> None:
        lookup, number = responses.lookup("s"), 0
        try:
            while not done.is_set():
                number += 1
                assert len(lookup.all_stored(f"r{number % 20}")) >= 1
                assert lookup.stored("last") is not None
        except BaseException as error:
            mistakes.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(2_000):
        name = f"r{200 + number % 100}"
        responses.apply_storage_update("s", StorageUpdate((name, "last"), stored(name)))
        responses.apply_storage_update("s", StorageUpdate(forgotten=(name,)))
    done.set()
    thread.join()
    assert not mistakes
