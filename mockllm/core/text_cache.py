"""A cache of results for texts that clients choose: bounded in entries, and in the length of their texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

T = TypeVar("T", str, bytes)
P = ParamSpec("P")
R = TypeVar("R")

MAX_LENGTH: Final = 256
"""The most characters or bytes of a text whose result is cached, by default: names are shorter."""


def text_cache(
    entries: int, max_length: int = MAX_LENGTH
) -> Callable[[Callable[Concatenate[T, P], R]], Callable[Concatenate[T, P], R]]:
    """Return a decorator like `lru_cache` for a function of a text: results for longer texts are not cached."""

    def decorate(function: Callable[Concatenate[T, P], R]) -> Callable[Concatenate[T, P], R]:
        cached = lru_cache(entries)(function)

        @wraps(function)
        def call(text: T, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if len(text) > max_length:
                return function(text, *args, **kwargs)
            return cached(text, *args, **kwargs)  # type: ignore[arg-type]  # lru_cache accepts any hashable

        @wraps(function)
        def call_of_text(text: T, /) -> R:
            return cached(text) if len(text) <= max_length else function(text)  # type: ignore[call-arg]

        code = function.__code__  # most functions have one parameter, and then a call costs half
        return call_of_text if code.co_argcount + code.co_kwonlyargcount == 1 else call  # type: ignore[return-value]

    return decorate
