"""The search for patterns that RE2 cannot express, by an engine that backtracks, for a limited time.

Such a search may take time exponential in the text, which a client writes. The package `regex` ends it after a limit;
Python's `re` has no limit. The limit is CPU time of the thread: neither a busy machine nor another thread changes a
result.
"""

from __future__ import annotations

from time import thread_time
from typing import ClassVar, Final, Protocol

from mockllm.core.regex.backtracking_form import backtracking_form

LIMIT: Final = 0.02
"""Seconds of CPU time after which a search ends without a result: a thousand times what a usual search takes."""
MAX_TEXT: Final = 100_000
"""The most characters of a text that is searched. `regex` compares the time with its limit after some hundred steps.
A step may take time linear in the text: all take 1.2 s for 4 MB."""


class SearchTooLong(Exception):
    """A search took longer than the limit. Whether the pattern occurs is not known."""


class RegexMatch(Protocol):
    """An occurrence that an engine found. The packages of the engines have no types."""

    def group(self) -> str:
        """Return the whole occurrence."""

    def groups(self) -> tuple[str | None, ...]:
        """Return the groups in order; None for a group without a match."""

    def span(self) -> tuple[int, int]:
        """Return where it begins and ends."""


class TimedSearch:
    """A pattern in Python's syntax. `flags` are those of `re`."""

    __slots__ = ("_compiled", "_last_timeout")
    timeouts: ClassVar[int] = 0
    """How many searches of all patterns took too long."""

    def __init__(self, pattern: str, flags: int) -> None:
        import regex  # 25 ms that a start without such a pattern does not need

        self._last_timeout: int | None = None
        """The hash of the last text whose search took too long: a near miss searches the same one several times."""
        self._compiled = regex.compile(backtracking_form(pattern, flags))

    def search(self, text: str) -> RegexMatch | None:
        """Return the match of the first occurrence, or None. Raise SearchTooLong."""
        if len(text) > MAX_TEXT or (self._last_timeout is not None and hash(text) == self._last_timeout):
            raise SearchTooLong
        timeout = LIMIT
        while True:
            began, match = thread_time(), None
            try:
                match = self._compiled.search(text, timeout=timeout)
                completed = True
            except TimeoutError:
                completed = False
            if thread_time() - began >= LIMIT:
                break
            if completed:
                return match
            timeout *= 2  # `regex` counts the CPU time of all threads, and others used some
        self._last_timeout = hash(text)
        TimedSearch.timeouts += 1
        raise SearchTooLong

    def groups(self, text: str) -> dict[int, str] | None:
        """Return the groups with a match by number, 0 for the whole match. Raise SearchTooLong."""
        match = self.search(text)
        if match is None:
            return None
        texts = (match.group(), *match.groups())
        return {number: group for number, group in enumerate(texts) if group is not None}
