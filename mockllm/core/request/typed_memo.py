"""What was computed of a part of a body, by keys that state the type of their value.

WORDS: Final = MemoKey[set[str]]()

memo[WORDS] = {"a", "b"}  # mypy refuses a list
memo[WORDS].add("c")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar, cast

T = TypeVar("T")


class MemoKey(Generic[T]):
    """A key of values of type T. It equals no other key."""

    __slots__ = ()


class TypedMemo(Protocol):
    """A dict in which the key of a value states the value's type."""

    def __contains__(self, key: object, /) -> bool: ...
    def __getitem__(self, key: MemoKey[T], /) -> T: ...
    def __setitem__(self, key: MemoKey[T], value: T, /) -> None: ...
    def get(self, key: MemoKey[T], /) -> T | None: ...


# a class around a dict would cost a call for each access, and so would a cast there
new_memo: Final = cast("Callable[[], TypedMemo]", dict)
"""Makes an empty memo."""
