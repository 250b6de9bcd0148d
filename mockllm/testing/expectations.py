"""What an example expects, held against what came back: each word is a value and a condition on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.display import brief
from mockllm.core.json.codec import MISSING, Json, JSONDecodeError, Missing, loads
from mockllm.core.json.jsonpath import compile_path
from mockllm.core.matching.conditions import AtPath, Condition, Equals, Exists, of_set
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.framing import ending
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.engine import PlannedResponse
from mockllm.scenario.language.examples import CallExpectation, ExpectSpec, TookOperators, UsageExpectation
from mockllm.scenario.matchers import condition
from mockllm.scenario.raw_entries import shorts

CLOSE: Final = 1e-6
"""Seconds by which two times may differ and be the same: sums of waits are rounded."""
LONGEST: Final = 300
"""Characters of a line of an error's message that are shown."""


class Mismatch(Struct, frozen=True):
    """One expectation that did not hold. `notes` explain it, one in a line."""

    field: str
    expected: str
    found: str
    hint: str | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.field}: expected {self.expected}, found {self.found}{hint}"


@dataclass(frozen=True)
class Outcome:
    """What came back of a request."""

    request: Request
    answer: PlannedResponse
    why: Callable[[Condition], tuple[str, ...]] = field(default=lambda condition: ())
    """Explains why no rule answered whose name meets a condition."""

    @property
    def took(self) -> float:
        """Seconds from the request's last byte to the answer's."""
        return ending(self.answer.plan)

    @cached_property
    def heard(self) -> DecodedResponse | None:
        """What the answer says in its protocol; None outside of every protocol."""
        hear = getattr(self.request.outcome.dialect, "decode", None)
        return hear(self.answer.plan) if hear is not None else None

    @cached_property
    def body(self) -> Json | Missing:
        """The body of a whole answer."""
        if self.answer.plan.streamed:
            return MISSING
        try:
            return loads(sent_bytes(self.answer.plan))
        except JSONDecodeError:
            return MISSING

    @cached_property
    def headers(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for name, value in self.answer.plan.head.headers:
            before = found.get(name.lower())
            found[name.lower()] = value if before is None else f"{before}, {value}"
        return found

    @property
    def message(self) -> Sequence[str]:
        """The lines of what an error says, where the answer is or holds one."""
        error = self.heard.error if self.heard is not None else None
        message = error.get("message") if isinstance(error, dict) else None
        return message.split("\n") if isinstance(message, str) else ()


def mismatches(expect: ExpectSpec, outcome: Outcome) -> list[Mismatch]:
    """All that does not hold, in the order of the language. The last one tells what an error said."""
    found: list[Mismatch] = []
    for word in type(expect).model_fields:
        if word in expect.model_fields_set:
            found += _CHECKS.get(word, _simple)(word, getattr(expect, word), outcome)
    if found and outcome.message:
        told = outcome.message[:1] if "rule" in (each.field for each in found) else outcome.message
        said = "\n  ".join(line[:LONGEST] for line in told)
        found[-1] = replace(found[-1], notes=(*found[-1].notes, f"the answer says: {said}"))
    return found


# --- one value, one condition ----------------------------------------------------------------------


def _of_heard(name: str) -> Callable[[Outcome], Json | Missing]:
    def value(outcome: Outcome) -> Json | Missing:
        found = None if outcome.heard is None else getattr(outcome.heard, name)
        return MISSING if found is None else found

    return value


def _text(outcome: Outcome) -> Json | Missing:
    if outcome.heard is not None:
        return MISSING if outcome.heard.text is None else outcome.heard.text
    return sent_bytes(outcome.answer.plan).decode("utf-8", "replace")


def _error(outcome: Outcome) -> Json | Missing:
    return MISSING if outcome.answer.error is None else outcome.answer.error


_VALUES: Final[Mapping[str, Callable[[Outcome], Json | Missing]]] = {
    "status": lambda outcome: outcome.answer.plan.head.status,
    "text": _text,
    "thinking": _of_heard("thinking"),
    "refusal": _of_heard("refusal"),
    "finish_reason": _of_heard("finish"),
    "error": _error,
}


def _simple(word: str, expected: Any, outcome: Outcome) -> Iterator[Mismatch]:
    yield from _held(word, _wanted(expected), _VALUES[word](outcome))


def _wanted(expected: Any) -> Condition:
    """Null asks that it is not there."""
    return Exists(False) if expected is None else condition(expected)


def _held(
    field: str, wanted: Condition, value: Json | Missing, hint: str | None = None
) -> Iterator[Mismatch]:
    if not wanted.matches(value):
        said = hint or _first_difference(wanted, value) or wanted.difference(value)
        found = "nothing" if value is MISSING else brief(value)
        yield Mismatch(field, wanted.describe(), found, said)


def _first_difference(wanted: Condition, value: Json | Missing) -> str | None:
    """Where two long texts part, which their beginnings do not show."""
    if not isinstance(wanted, Equals) or not isinstance(wanted.value, str) or not isinstance(value, str):
        return None
    expected = wanted.value
    place = next(
        (at for at, (one, two) in enumerate(zip(expected, value, strict=False)) if one != two),
        min(len(expected), len(value)),
    )
    if place < 40:
        return None
    there = (brief(expected[place : place + 30]), brief(value[place : place + 30]))
    return f"they part after {place} characters: {there[0]} is {there[1]}"


# --- several values --------------------------------------------------------------------------------


def _headers(word: str, expected: Mapping[str, Any] | None, outcome: Outcome) -> Iterator[Mismatch]:
    for name, each in (expected or {}).items():
        value = outcome.headers.get(name.lower(), MISSING)
        yield from _held(f"headers.{name}", _wanted(each), value)


USAGE: Final = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cached_tokens": "cached_read",
    "cache_write_tokens": "cache_write",
    "reasoning_tokens": "reasoning",
}


def _usage(word: str, expected: UsageExpectation | None, outcome: Outcome) -> Iterator[Mismatch]:
    usage = None if outcome.heard is None else outcome.heard.usage
    if expected is None:
        yield from _held(word, Exists(False), MISSING if usage is None else "some")
        return
    for name in USAGE:
        if name in expected.model_fields_set:
            value = MISSING if usage is None else getattr(usage, USAGE[name])
            yield from _held(f"usage.{name}", _wanted(getattr(expected, name)), value)


def _body(word: str, expected: Mapping[str, Any] | None, outcome: Outcome) -> Iterator[Mismatch]:
    hint = "the answer is streamed" if outcome.answer.plan.streamed else None
    for path, each in (expected or {}).items():
        at = compile_path(path)
        value = MISSING if outcome.body is MISSING else at.value(outcome.body)
        wanted = condition(each)
        yield from _held(f"body {path}", wanted, value, hint)


def _chunks(word: str, expected: Any, outcome: Outcome) -> Iterator[Mismatch]:
    chunks = None if outcome.heard is None else outcome.heard.chunks
    if chunks is None:
        yield from _held(word, _wanted(expected), MISSING, "the answer is not streamed")
    elif isinstance(expected, list) and all(isinstance(each, str) for each in expected):
        yield from _held(word, Equals(expected), list(chunks))
    else:
        yield from _held(word, _wanted(expected), len(chunks))


def _faults(word: str, expected: list[str] | None, outcome: Outcome) -> Iterator[Mismatch]:
    notes = "; ".join(outcome.answer.notes) or None
    yield from _held(word, Equals(expected or []), list(outcome.answer.faults), notes)


def _tool_calls(word: str, expected: list[CallExpectation] | None, outcome: Outcome) -> Iterator[Mismatch]:
    calls = () if outcome.heard is None else outcome.heard.calls
    wanted = expected or []
    if len(wanted) != len(calls):
        names = ", ".join(call.name for call in calls)
        yield from _held(f"{word}.length", Equals(len(wanted)), len(calls), names or None)
        return
    for number, (each, call) in enumerate(zip(wanted, calls, strict=True)):
        place = f"{word}[{number}]"
        if "name" in each.model_fields_set:
            yield from _held(f"{place}.name", condition(each.name, globbed=True), call.name)
        if "arguments" in each.model_fields_set:
            for inner in _arguments(each.arguments):
                yield from _held(f"{place}.arguments", inner, call.arguments)


def _arguments(expected: Json) -> Iterator[Condition]:
    if isinstance(expected, dict) and expected and all(key.startswith("$") for key in expected):
        for path, each in expected.items():
            yield AtPath(compile_path(path), condition(each))
    else:
        yield Equals(expected)


# --- time ------------------------------------------------------------------------------------------


_BOUNDS: Final[Mapping[str, tuple[str, Callable[[float], bool]]]] = {
    "gt": ("more than", lambda over: over > CLOSE),
    "gte": ("at least", lambda over: over >= -CLOSE),
    "lt": ("less than", lambda over: over < -CLOSE),
    "lte": ("at most", lambda over: over <= CLOSE),
}


def _took(word: str, expected: float | TookOperators | None, outcome: Outcome) -> Iterator[Mismatch]:
    if isinstance(expected, TookOperators):
        for name, (words, holds) in _BOUNDS.items():
            bound = getattr(expected, name)
            if bound is not None and not holds(outcome.took - bound):
                yield Mismatch(word, f"{words} {duration(bound)}", duration(outcome.took))
    elif expected is not None and abs(outcome.took - expected) > CLOSE:
        yield Mismatch(word, duration(expected), duration(outcome.took))


def duration(seconds: float) -> str:
    """As a scenario writes it: `250ms`, `1.5s`."""
    milliseconds = round(seconds * 1000, 3)
    return f"{milliseconds:g}ms" if 0 < milliseconds < 1000 else f"{milliseconds / 1000:.10g}s"


# --- names -----------------------------------------------------------------------------------------


def names_of(id: str) -> tuple[str, ...]:
    """How a person may call a rule or modifier: its name, its id, `pack:name`."""
    return id.rpartition(":")[2], id, *shorts(id)


def _rule(word: str, expected: Any, outcome: Outcome) -> Iterator[Mismatch]:
    rule, wanted = outcome.answer.rule, _wanted(expected)
    if not any(map(wanted.matches, (MISSING,) if rule is None else names_of(rule))):
        found = "no rule" if rule is None else brief(names_of(rule)[0])
        yield Mismatch(word, wanted.describe(), found, None, outcome.why(wanted))


def _modifier(word: str, expected: Any, outcome: Outcome) -> Iterator[Mismatch]:
    wanted = of_set(_wanted(expected))
    spelt = [names_of(id) for id in outcome.answer.modifiers]
    ways = range(max(map(len, spelt), default=1))
    if not any(wanted.matches(tuple(each[min(way, len(each) - 1)] for each in spelt)) for way in ways):
        yield Mismatch(word, wanted.describe(), brief([each[0] for each in spelt]) if spelt else "none")


_CHECKS: Final[Mapping[str, Callable[[str, Any, Outcome], Iterator[Mismatch]]]] = {
    "rule": _rule,
    "modifier": _modifier,
    "tool_calls": _tool_calls,
    "usage": _usage,
    "headers": _headers,
    "chunks": _chunks,
    "faults": _faults,
    "took": _took,
    "body": _body,
}
