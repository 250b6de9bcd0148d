"""A memo has a value for each key, of the key's type."""

from __future__ import annotations

from mockllm.core.request.typed_memo import MemoKey, new_memo


def test_each_key_has_its_own_value() -> None:
    memo, count, words = new_memo(), MemoKey[int](), MemoKey[set[str]]()
    memo[count], memo[words] = 1, {"a"}
    memo[count] += 1
    memo[words].add("b")
    assert (memo[count], memo[words]) == (2, {"a", "b"})


def test_keys_of_one_type_are_distinct() -> None:
    memo, first, second = new_memo(), MemoKey[int](), MemoKey[int]()
    memo[first] = 1
    assert first in memo
    assert second not in memo
    assert memo.get(second) is None
