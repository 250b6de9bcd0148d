"""JSONPath (RFC 9535) on a request's body: names, indices, slices, wildcards, `..` and filters without functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import MISSING, Json, Missing, loads
from mockllm.core.json.path_evaluation import (
    COMPARISONS,
    TOO_LARGE,
    FilterQuery,
    PathEvaluation,
    PathKey,
    PathSegment,
    PathSelector,
    Test,
    TooLarge,
    TooManyVisits,
    child_selector,
    children_of,
    filter_selector,
    find_nodes,
    follow,
    slice_selector,
)

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NAME: Final = re.compile(r"[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*")
"""Letters, digits, `_` and all characters outside of ASCII. The negated set compiles ten times as fast."""
_INDEX: Final = re.compile(r"-?[1-9][0-9]{0,14}|0")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_QUOTED: Final = re.compile(r"'(?:[^'\\\x00-\x1f]|\\.)*'|\"(?:[^\"\\\x00-\x1f]|\\.)*\"")
_COMPARISON: Final = re.compile(r"==|!=|<=|>=|<|>")
_MAX_NESTING: Final = 20
"""The maximum nesting of a filter's parentheses."""


class JsonPathError(ValueError):
    """A query is invalid or not supported."""


class JsonPath(Struct, frozen=True):
    """A compiled query. `keys` are the steps of a singular path (empty for other paths): it selects one
    node at most (RFC 9535)."""

    text: str
    singular: bool
    keys: tuple[PathKey, ...]
    segments: tuple[PathSegment, ...] = ()

    def first(self, body: Json | Missing) -> Json | Missing:
        """Return the node of a singular path; MISSING where there is none."""
        return follow(body, self.keys)

    def value(self, body: Json | Missing) -> Json | Missing | TooLarge:
        """Return the value for a condition: the node of a singular path, else the list of nodes in order.
        Return MISSING if there is no node, and TOO_LARGE where the query visits too many nodes."""
        if self.singular:
            return follow(body, self.keys)
        if body is MISSING:
            return MISSING
        try:
            return find_nodes(self.segments, body, PathEvaluation(body)) or MISSING
        except TooManyVisits:
            return TOO_LARGE


@lru_cache(1024)  # many rules and faults name the same paths
def compile_path(text: str) -> JsonPath:
    """Return the compiled query. Raise JsonPathError with a message for a person."""
    segments, keys = _Parser(text).query()
    return JsonPath(text, keys is not None, keys or (), () if keys is not None else segments)


def path_with_dots(text: str) -> str | None:
    """Return `$.messages[0].content` for `messages.0.content` or `messages[0].content`, or None if it is neither."""
    if not re.fullmatch(r"[A-Za-z_]\w*(\.\w+|\[\d+\])*", text, re.ASCII):
        return None
    return "$." + re.sub(r"\.(\d+)(?!\w)", r"[\1]", text)


class _Parser:
    """A parser of the RFC's grammar, without its functions."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._descents = 0
        self._filters = 0
        self._depth = 0

    def query(self) -> tuple[tuple[PathSegment, ...], tuple[PathKey, ...] | None]:
        """Return the segments, and the keys where the query is singular."""
        if not self._text.startswith("$"):
            path = path_with_dots(self._text)
            hint = f"; write {path}" if path else ", like $.temperature"
            raise self._error(f"a JSONPath begins with ${hint}")
        self._at = 1
        segments, keys = self._segments()
        if self._at < len(self._text):
            self._refuse_rest()
        return segments, keys

    def _refuse_rest(self) -> None:
        rest = self._text[self._at :].lstrip()
        if rest.startswith("-"):
            raise self._error("a name with a dash needs brackets: ['x-y']")
        if rest.startswith("("):
            raise self._error("functions are not supported")
        if self._text[-1].isspace() and not rest:
            raise self._error("white space behind the path")
        raise self._error(f"not understood from {rest[:20]!r}")

    def _segments(self) -> tuple[tuple[PathSegment, ...], tuple[PathKey, ...] | None]:
        segments: list[PathSegment] = []
        keys: tuple[PathKey, ...] | None = ()
        while True:
            before = self._at
            self._skip_space()
            descends = self._accept("..")
            if descends:
                self._descents += 1
                if self._descents > 1:
                    raise self._error("at most one .. (more of them take minutes on a deep body)")
                selector = self._bracketed() if self._accept("[") else self._shorthand()
            elif self._accept("."):
                selector = self._shorthand()
            elif self._accept("["):
                selector = self._bracketed()
            else:
                self._at = before
                return tuple(segments), keys
            segments.append(PathSegment(selector.select, selector.key, descends))
            keys = None if keys is None or selector.key is None or descends else (*keys, selector.key)

    def _shorthand(self) -> PathSelector:
        if self._accept("*"):
            return PathSelector(children_of, "wildcard")
        name = self._match(_NAME)
        if name is None:
            path = path_with_dots(self._text[2:]) if self._text[self._at : self._at + 1].isdecimal() else None
            hint = f"; write {path}" if path else ""
            raise self._error(f"a name or * is missing behind the dot{hint}")
        if self._text[self._at : self._at + 1] == "(":
            raise self._error(f"functions like {name}() are not supported")
        return child_selector(name)

    def _bracketed(self) -> PathSelector:
        """Parse one or several selectors. Several must be all names or all indices."""
        selectors = [self._selector()]
        while self._accept_spaced(","):
            selectors.append(self._selector())
        if not self._accept_spaced("]"):
            raise self._error("] is missing")
        if len(selectors) == 1:
            return selectors[0]
        kinds = {selector.kind for selector in selectors}
        if len(kinds) > 1 or not kinds <= {"name", "index"}:
            raise self._error("several selectors in one bracket must be all names or all indices")
        selects = [selector.select for selector in selectors]
        return PathSelector(
            lambda node, evaluation: chain.from_iterable(select(node, evaluation) for select in selects),
            "several",
        )

    def _selector(self) -> PathSelector:
        self._skip_space()
        if (name := self._string()) is not None:
            return child_selector(name)
        if self._accept("*"):
            return PathSelector(children_of, "wildcard")
        if self._accept("?"):
            self._filters += 1
            return filter_selector(self._disjunction())
        return self._index_or_slice()

    def _index_or_slice(self) -> PathSelector:
        parts = [self._match(_INDEX)]
        while len(parts) < 3 and self._accept_spaced(":"):
            self._skip_space()
            parts.append(self._match(_INDEX))
        if len(parts) == 1:
            if parts[0] is None:
                raise self._error("brackets need a number, a quoted name, *, a slice or ?(a filter)")
            return child_selector(int(parts[0]))
        if len(parts) == 3 and parts[2] is not None and int(parts[2]) < 1:
            raise self._error("a slice's step is 1 or more")
        start, end, step = [*(None if part is None else int(part) for part in parts), None][:3]
        return slice_selector(start, end, step)

    def _disjunction(self) -> Test:
        tests = [self._conjunction()]
        while self._accept_spaced("||"):
            tests.append(self._conjunction())
        return tests[0] if len(tests) == 1 else lambda node, walk: any(test(node, walk) for test in tests)

    def _conjunction(self) -> Test:
        tests = [self._basic()]
        while self._accept_spaced("&&"):
            tests.append(self._basic())
        return tests[0] if len(tests) == 1 else lambda node, walk: all(test(node, walk) for test in tests)

    def _basic(self) -> Test:
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise self._error("the filter is nested too deep")
        try:
            if self._accept_spaced("("):
                inside = self._disjunction()
                if not self._accept_spaced(")"):
                    raise self._error(") is missing")
                return inside
            if self._accept_spaced("!"):
                self._skip_space()
                if self._text[self._at : self._at + 1] == "(":
                    raise self._error("! is allowed only before a path: write !@.a")
                query = self._filter_query()
                return lambda node, evaluation: not query.exists(node, evaluation)
            return self._test()
        finally:
            self._depth -= 1

    def _test(self) -> Test:
        self._skip_space()
        if self._text[self._at : self._at + 1] not in ("@", "$"):
            name = self._match(_NAME)
            if name is not None and self._accept("("):
                raise self._error(f"functions like {name}() are not supported")
            raise self._error("a filter's comparison begins with a path: @.name == 'x'")
        query = self._filter_query()
        self._skip_space()
        if self._text.startswith("=~", self._at):
            raise self._error("=~ is not part of JSONPath; use a regex condition")
        operator = self._match(_COMPARISON)
        if operator is None:
            if self._text[self._at : self._at + 1] == "=":
                raise self._error("write == for equality")
            return query.exists
        left, right, compare = self._comparable(query), self._operand(), COMPARISONS[operator]
        return lambda node, evaluation: compare(left(node, evaluation), right(node, evaluation))

    def _comparable(self, query: FilterQuery) -> Callable[[Json, PathEvaluation], Json | Missing]:
        keys, absolute = query.keys, query.absolute
        if keys is None:
            raise self._error("a comparison needs a path to one value")
        return lambda node, evaluation: follow(evaluation.root if absolute else node, keys)

    def _operand(self) -> Callable[[Json, PathEvaluation], Json | Missing]:
        self._skip_space()
        if self._text[self._at : self._at + 1] in ("@", "$"):
            return self._comparable(self._filter_query())
        constant = self._constant()
        return lambda node, evaluation: constant

    def _constant(self) -> Json:
        if (text := self._string()) is not None:
            return text
        if (number := self._match(_NUMBER)) is not None:
            return loads(number)
        for word in ("true", "false", "null"):
            if self._accept(word):
                return loads(word)
        raise self._error("compare with a quoted text, a number, true, false, null or a path")

    def _filter_query(self) -> FilterQuery:
        root = self._text[self._at : self._at + 1]
        if root not in ("@", "$"):
            raise self._error("a path that begins with @ is missing")
        self._at += 1
        descents, filters = self._descents, self._filters
        segments, keys = self._segments()
        if self._filters > filters or self._descents > descents:
            raise self._error("a filter's path has no filter and no ..")
        return FilterQuery(root == "$", segments, keys)

    def _string(self) -> str | None:
        literal = self._match(_QUOTED)
        if literal is None:
            return None
        quote = literal[0]
        body = re.sub(
            r"\\(.)|\"",
            lambda match: match[1] if match[1] == "'" and quote == "'" else match[0] if match[1] else '\\"',
            literal[1:-1],
        )
        try:
            value: str = loads(f'"{body}"')
        except ValueError:
            raise self._error("not a valid quoted name or text") from None
        return value

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match[0]

    def _accept(self, token: str) -> bool:
        if self._text.startswith(token, self._at):
            self._at += len(token)
            return True
        return False

    def _accept_spaced(self, token: str) -> bool:
        before = self._at
        self._skip_space()
        if self._accept(token):
            return True
        self._at = before
        return False

    def _skip_space(self) -> None:
        self._match(_SPACE)

    def _error(self, message: str) -> JsonPathError:
        return JsonPathError(f"{self._text}: {message} (character {self._at + 1})")
