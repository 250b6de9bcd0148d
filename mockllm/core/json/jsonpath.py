"""JSONPath (RFC 9535) on a request's body.

A singular path (`$.a.b[-1]['x y']`) has its own parser and evaluator. Other paths are evaluated by jsonpath-ng, which
accepts more than the RFC and differs from it in parts. So a query is first parsed by the supported part of the RFC's
grammar, and passed on in a normal form; any other query is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from mockllm.core.json.codec import MISSING, Json, Missing, loads

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
    """A query is invalid, or could not be evaluated by RFC 9535."""


class JsonPath(Struct, frozen=True):
    """A compiled query. `keys` are the steps of a singular path (empty for other paths)."""

    text: str
    singular: bool
    keys: tuple[str | int, ...]
    _find: Callable[[Json], list[Any]] | None

    def first(self, body: Json | Missing) -> Json | Missing:
        """Return the (first) node; MISSING where there is none."""
        if not self.singular:
            return next(iter(self.all(body)), MISSING)
        for key in self.keys:
            body = body.get(key, MISSING) if isinstance(body, dict) else _item(body, key)
        return body

    def all(self, body: Json | Missing) -> list[Json]:
        """Return the nodes in order."""
        if self._find is None:
            node = self.first(body)
            return [] if node is MISSING else [node]
        if body is MISSING:
            return []
        try:
            return [node.value for node in self._find(body)]
        except RecursionError:  # the body is nested too deep
            return []

    def value(self, body: Json | Missing) -> Json | Missing:
        """Return the value for a condition: the node of a singular path, else the list of nodes (MISSING: none)."""
        return self.first(body) if self.singular else self.all(body) or MISSING


def _item(value: Json | Missing, key: str | int) -> Json | Missing:
    """Return a list's item; MISSING where there is none, or the value is not a list."""
    if isinstance(key, int) and isinstance(value, list) and -len(value) <= key < len(value):
        return value[key]
    return MISSING


@lru_cache(4096)
def compile_path(text: str) -> JsonPath:
    """Return the compiled query. Raise JsonPathError with a message for a person."""
    normal, keys = _Parser(text).query()
    if keys is not None:
        return JsonPath(text, True, keys, None)
    from jsonpath_ng.exceptions import JSONPathError
    from jsonpath_ng.ext.parser import parse

    try:
        return JsonPath(text, False, (), parse(normal).find)
    except JSONPathError as error:
        raise JsonPathError(f"{text}: not a JSONPath that can be evaluated: {error}") from None


class _Parser:
    """A parser of the RFC's grammar. In the normal form every name is in single quotes and brackets."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._descents = 0
        self._depth = 0

    def query(self) -> tuple[str, tuple[str | int, ...] | None]:
        """Return the normal form, and the steps where the query is singular."""
        if not self._text.startswith("$"):
            raise self._error("a JSONPath begins with $, like $.temperature")
        self._at = 1
        normal, keys = self._segments()
        if self._at < len(self._text):
            self._refuse_rest()
        return "$" + normal, keys

    def _refuse_rest(self) -> None:
        rest = self._text[self._at :].lstrip()
        if rest.startswith("-"):
            raise self._error("a name with a dash needs brackets: ['x-y']")
        if rest.startswith("("):
            raise self._error("functions are not supported")
        if self._text[-1].isspace() and not rest:
            raise self._error("white space behind the path")
        raise self._error(f"not understood from {rest[:20]!r}")

    def _segments(self) -> tuple[str, tuple[str | int, ...] | None]:
        normal = ""
        keys: tuple[str | int, ...] | None = ()
        while True:
            before = self._at
            self._skip_space()
            if self._accept(".."):
                self._descents += 1
                if self._descents > 1:
                    raise self._error("at most one .. (more of them take minutes on a deep body)")
                selector = self._bracketed() if self._accept("[") else self._shorthand()
                normal, keys = normal + ".." + selector[0], None
                continue
            if self._accept("."):
                selector = self._shorthand()
            elif self._accept("["):
                selector = self._bracketed()
            else:
                self._at = before
                return normal, keys
            normal += selector[0]
            keys = None if keys is None or selector[1] is None else (*keys, selector[1])

    def _shorthand(self) -> tuple[str, str | int | None]:
        if self._accept("*"):
            return "[*]", None
        name = self._match(_NAME)
        if name is None:
            raise self._error("a name or * is missing behind the dot")
        if self._text[self._at : self._at + 1] == "(":
            raise self._error(f"functions like {name}() are not supported")
        return f"[{_quoted(name)}]", name

    def _bracketed(self) -> tuple[str, str | int | None]:
        """Parse one or several selectors. Several must be all names or all indices."""
        selectors = [self._selector()]
        while self._accept_spaced(","):
            selectors.append(self._selector())
        if not self._accept_spaced("]"):
            raise self._error("] is missing")
        kinds = {kind for _, kind, _ in selectors}
        if len(selectors) > 1 and (len(kinds) > 1 or not kinds <= {"name", "index"}):
            raise self._error("several selectors in one bracket must be all names or all indices")
        normal = "[" + ",".join(text for text, _, _ in selectors) + "]"
        return normal, selectors[0][2] if len(selectors) == 1 else None

    def _selector(self) -> tuple[str, str, str | int | None]:
        self._skip_space()
        if (name := self._string()) is not None:
            return _quoted(name), "name", name
        if self._accept("*"):
            return "*", "wildcard", None
        if self._accept("?"):
            return "?" + self._disjunction(), "filter", None
        return self._index_or_slice()

    def _index_or_slice(self) -> tuple[str, str, str | int | None]:
        parts = [self._match(_INDEX)]
        while len(parts) < 3 and self._accept_spaced(":"):
            self._skip_space()
            parts.append(self._match(_INDEX))
        if len(parts) == 1:
            if parts[0] is None:
                raise self._error("brackets need a number, a quoted name, *, a slice or ?(a filter)")
            return parts[0], "index", int(parts[0])
        if len(parts) == 3 and parts[2] is not None and int(parts[2]) < 1:
            raise self._error("a slice's step is 1 or more")
        return ":".join(part or "" for part in parts), "slice", None

    def _disjunction(self) -> str:
        normal = self._conjunction()
        while self._accept_spaced("||"):
            normal += " || " + self._conjunction()
        return normal

    def _conjunction(self) -> str:
        normal = self._basic()
        while self._accept_spaced("&&"):
            normal += " && " + self._basic()
        return normal

    def _basic(self) -> str:
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise self._error("the filter is nested too deep")
        try:
            if self._accept_spaced("("):
                inside = self._disjunction()
                if not self._accept_spaced(")"):
                    raise self._error(") is missing")
                return f"({inside})"
            if self._accept_spaced("!"):
                self._skip_space()
                if self._text[self._at : self._at + 1] == "(":
                    raise self._error("! is allowed only before a path: write !@.a")
                return "!" + self._filter_query()[0]
            return self._test()
        finally:
            self._depth -= 1

    def _test(self) -> str:
        self._skip_space()
        if self._text[self._at : self._at + 1] not in ("@", "$"):
            name = self._match(_NAME)
            if name is not None and self._accept("("):
                raise self._error(f"functions like {name}() are not supported")
            raise self._error("a filter's comparison begins with a path: @.name == 'x'")
        left, singular = self._filter_query()
        self._skip_space()
        if self._text.startswith("=~", self._at):
            raise self._error("=~ is not part of JSONPath; use a regex condition")
        operator = self._match(_COMPARISON)
        if operator is None:
            if self._text[self._at : self._at + 1] == "=":
                raise self._error("write == for equality")
            return left
        if not singular:
            raise self._error("a comparison needs a path to one value")
        return f"{left} {operator} {self._operand()}"

    def _operand(self) -> str:
        self._skip_space()
        if self._text[self._at : self._at + 1] in ("@", "$"):
            right, singular = self._filter_query()
            if not singular:
                raise self._error("a comparison needs a path to one value")
            return right
        if (text := self._string()) is not None:
            return _quoted(text)
        if (number := self._match(_NUMBER)) is not None:
            return number
        for word in ("true", "false", "null"):
            if self._accept(word):
                return word
        raise self._error("compare with a quoted text, a number, true, false, null or a path")

    def _filter_query(self) -> tuple[str, bool]:
        root = self._text[self._at : self._at + 1]
        if root not in ("@", "$"):
            raise self._error("a path that begins with @ is missing")
        self._at += 1
        descents = self._descents
        normal, keys = self._segments()
        if "?" in normal or self._descents > descents:
            raise self._error("a filter's path has no filter and no ..")
        return root + normal, keys is not None

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


def _quoted(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"
