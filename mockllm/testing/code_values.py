"""The values of rules in code, as those of a file."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic, path_text
from mockllm.scenario.raw_entries import EntryKind
from mockllm.scenario.yaml_nodes import MAX_DEPTH, MAX_INTEGER_BITS
from mockllm.server.engine_builder import Broken
from mockllm.testing.caller import Caller

__tracebackhide__ = True  # a traceback shows the lines of the test only


class CodeValues:
    """Converts the values of an item in code to those of JSON: mappings, tuples and paths, at every depth. Raises
    Broken for a value that no file could contain."""

    def __init__(self, kind: EntryKind, by: Caller) -> None:
        self._by = by
        self._path: list[str | int] = [f"{kind}s", 0]

    def mapping(self, value: Mapping[str, object]) -> dict[str, Json]:
        """Return a mapping with its values converted."""
        return {self._text(str(key)): self._member(str(key), child) for key, child in value.items()}

    def _member(self, key: str | int, value: object) -> Json:
        self._path.append(key)
        converted = self._value(value)
        self._path.pop()
        return converted

    def _value(self, value: object) -> Json:
        if len(self._path) > MAX_DEPTH:
            raise self._broken(f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, Mapping):
            return self.mapping(value)
        if isinstance(value, list | tuple):
            return [self._member(index, child) for index, child in enumerate(value)]
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int | float):
            return self._number(value)
        if value is None:
            return None
        raise self._broken(f"a value of type {type(value).__name__} cannot be in a file")

    def _number(self, number: float) -> float:
        if isinstance(number, float) and not math.isfinite(number):
            raise self._broken(f"{number} is not a finite number, and no file can contain it")
        if not -(2 ** (MAX_INTEGER_BITS - 1)) <= number < 2**MAX_INTEGER_BITS and isinstance(number, int):
            raise self._broken(f"a number beyond {MAX_INTEGER_BITS} bits, which no file can contain")
        return number

    def _text(self, text: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self._broken(f"{text[:40]!a} has half of a character, which no file can contain") from None
        return text

    def _broken(self, message: str) -> Broken:
        by = self._by
        return Broken([Diagnostic(by.shown, by.line, 1, path_text(tuple(self._path)), message)])
