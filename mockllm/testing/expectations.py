"""Comparison of an example's expectations with the outcome. Each key is a value with a condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.display import brief, shortened
from mockllm.core.json.codec import MISSING, Json, JSONDecodeError, Missing, loads
from mockllm.core.json.jsonpath import compile_path
from mockllm.core.matching.conditions import AtPath, Condition, Equals, Exists, of_set
from mockllm.core.matching.missing_member import missing_member
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.framing import seconds_until_end_or_silence
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import Dialect
from mockllm.engine import PlannedResponse
from mockllm.engine.engine_request import EngineRequest, decode_response
from mockllm.scenario.language.examples import ExpectSpec, TookOperators
from mockllm.scenario.match_compiler import condition
from mockllm.scenario.rule_ids import names_in

TIME_TOLERANCE: Final = 1e-6
"""Seconds by which two equal times may differ, because sums of waits are rounded."""
MAX_LINE: Final = 300
"""Maximum length of a line of an error message, in characters."""


class Mismatch(Struct, frozen=True):
    """A failed expectation. `notes` are lines that explain it."""

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
    """A request and its planned response."""

    request: EngineRequest
    response: PlannedResponse
    reasons: Callable[[Condition], Iterable[str]] = field(default=lambda condition: ())
    """Return the reasons why no rule with a matching name was selected."""

    @property
    def dialect(self) -> Dialect:
        """The dialect that responded."""
        return self.request.routing.dialect

    @property
    def duration(self) -> float:
        """Seconds from when the server begins to serve the request to the response's last byte."""
        return seconds_until_end_or_silence(self.response.plan)

    @cached_property
    def decoded(self) -> DecodedResponse | None:
        """The decoded response; None outside of every protocol."""
        return decode_response(self.request, self.response.plan)

    @cached_property
    def body(self) -> Json | Missing:
        """The body of a non-streaming response."""
        if self.response.plan.streamed:
            return MISSING
        try:
            return loads(sent_bytes(self.response.plan))
        except JSONDecodeError:
            return MISSING

    @cached_property
    def headers(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for name, value in self.response.plan.head.headers:
            before = found.get(name.lower())
            found[name.lower()] = value if before is None else f"{before}, {value}"
        return found

    @property
    def message(self) -> Sequence[str]:
        """The lines of the error message, if the response is or contains an error."""
        error = self.decoded.error if self.decoded is not None else None
        message = error.get("message") if isinstance(error, dict) else None
        return message.split("\n") if isinstance(message, str) else ()


def mismatches(expect: ExpectSpec, outcome: Outcome) -> list[Mismatch]:
    """Return the failed expectations in the order of the language. The last one has the error message."""
    found: list[Mismatch] = []
    for key in type(expect).model_fields:
        if key in expect.model_fields_set:
            check = _CHECKS.get(key)
            found += _simple(key, getattr(expect, key), outcome) if check is None else check(expect, outcome)
    if found and outcome.message:
        lines = outcome.message[:1] if "rule" in (each.field for each in found) else outcome.message
        text = "\n  ".join(shortened(line, MAX_LINE) for line in lines)
        found[-1] = replace(found[-1], notes=(*found[-1].notes, f"the response says: {text}"))
    return found


def _decoded_value(name: str) -> Callable[[Outcome], Json | Missing]:
    def value(outcome: Outcome) -> Json | Missing:
        found = None if outcome.decoded is None else getattr(outcome.decoded, name)
        return MISSING if found is None else found

    return value


def _text(outcome: Outcome) -> Json | Missing:
    if outcome.decoded is not None:
        return MISSING if outcome.decoded.text is None else outcome.decoded.text
    return sent_bytes(outcome.response.plan).decode("utf-8", "replace")


def _error(outcome: Outcome) -> Json | Missing:
    return MISSING if outcome.response.error is None else outcome.response.error


_VALUES: Final[Mapping[str, Callable[[Outcome], Json | Missing]]] = {
    "status": lambda outcome: outcome.response.plan.head.status,
    "text": _text,
    "thinking": _decoded_value("thinking"),
    "refusal": _decoded_value("refusal"),
    "finish_reason": _decoded_value("finish"),
    "error": _error,
}


def _simple(key: str, expected: object, outcome: Outcome) -> Iterator[Mismatch]:
    yield from _check(key, _condition(expected), _VALUES[key](outcome))


def _refusal(expect: ExpectSpec, outcome: Outcome) -> Iterator[Mismatch]:
    """Yield the mismatch, with a hint where no client of the protocol can tell a refusal from a text."""
    capabilities = getattr(outcome.dialect, "capabilities", None)
    hint = None
    if capabilities is not None and not capabilities.refusal:
        hint = f"{outcome.dialect.api} of {outcome.request.provider} sends a refusal as text"
    yield from _check("refusal", _condition(expect.refusal), _VALUES["refusal"](outcome), hint)


def _condition(expected: object) -> Condition:
    """Return the condition; null means that the value is absent."""
    return Exists(False) if expected is None else condition(expected)


def _check(
    field: str, expected_condition: Condition, value: Json | Missing, hint: str | None = None
) -> Iterator[Mismatch]:
    if not expected_condition.matches(value):
        reason = hint or _first_difference(expected_condition, value) or expected_condition.difference(value)
        found = "nothing" if value is MISSING else brief(value)
        yield Mismatch(field, expected_condition.describe(), found, reason)


def _first_difference(condition: Condition, value: Json | Missing) -> str | None:
    """Return the first difference of two long texts with equal beginnings."""
    expected = condition.value if isinstance(condition, Equals) else None
    if not isinstance(expected, str) or not isinstance(value, str):
        return None
    place = common_length(expected, value)
    if place < 40:
        return None
    parts = (brief(expected[place : place + 30]), brief(value[place : place + 30]))
    return f"they differ after {place} characters: {parts[0]} is {parts[1]}"


def common_length(left: str, right: str) -> int:
    """Return the number of characters before the first difference of two texts."""
    same = (a == b for a, b in zip(left, right, strict=False))
    return next((at for at, equal in enumerate(same) if not equal), min(len(left), len(right)))


def _headers(expect: ExpectSpec, outcome: Outcome) -> Iterator[Mismatch]:
    for name, each in (expect.headers or {}).items():
        value = outcome.headers.get(name.lower(), MISSING)
        yield from _check(f"headers.{name}", _condition(each), value)


USAGE: Final = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cached_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "reasoning_tokens": "reasoning",
}


def _usage(expect: ExpectSpec, outcome: Outcome) -> Iterator[Mismatch]:
    expected = expect.usage
    usage = None if outcome.decoded is None else outcome.decoded.usage
    if expected is None:
        yield from _check("usage", Exists(False), MISSING if usage is None else "some")
        return
    for name in USAGE:
        if name in expected.model_fields_set:
            value = MISSING if usage is None else getattr(usage, USAGE[name])
            yield from _check(f"usage.{name}", _condition(getattr(expected, name)), value)


def _body(expect: ExpectSpec, outcome: Outcome) -> Iterator[Mismatch]:
    hint = "the response is streaming" if outcome.response.plan.streamed else None
    for path, each in (expect.body or {}).items():
        at = compile_path(path)
        value = MISSING if outcome.body is MISSING else at.value(outcome.body)
        expected_condition = condition(each)
        near = missing_member(at, outcome.body) if value is MISSING else None
        yield from _check(f"body {path}", expected_condition, value, hint or near)


def _chunks(expect: ExpectSpec, outcome: Outcome) -> Iterator[Mismatch]:
    expected = expect.chunks
    chunks = None if outcome.decoded is None else outcome.decoded.chunks
    if chunks is None:
        yield from _check("chunks", _condition(expected), MISSING, "the response is non-streaming")
    elif isinstance(expected, list) and all(isinstance(each, str) for each in expected):
        yield from _check("chunks", Equals(expected), list(chunks))
    else:
        yield from _check("chunks", _condition(expected), len(chunks))


def _faults(expect: ExpectSpec, outcome: Outcome) -> Iterator[Mismatch]:
    notes = "; ".join(outcome.response.notes) or None
    yield from _check("faults", Equals(expect.faults or []), list(outcome.response.faults), notes)


def _tool_calls(expect: ExpectSpec, outcome: Outcome) -> Iterator[Mismatch]:
    expected = expect.tool_calls or []
    calls = () if outcome.decoded is None else outcome.decoded.calls
    if len(expected) != len(calls):
        names = ", ".join(call.name for call in calls)
        yield from _check("tool_calls.length", Equals(len(expected)), len(calls), names or None)
        return
    for number, (each, call) in enumerate(zip(expected, calls, strict=True)):
        place = f"tool_calls[{number}]"
        if "name" in each.model_fields_set:
            yield from _check(f"{place}.name", condition(each.name, globbed=True), call.name)
        if "arguments" in each.model_fields_set:
            for inner in _arguments(each.arguments):
                yield from _check(f"{place}.arguments", inner, call.arguments)


def _arguments(expected: Json) -> Iterator[Condition]:
    if isinstance(expected, dict) and expected and all(key.startswith("$") for key in expected):
        for path, each in expected.items():
            yield AtPath(compile_path(path), condition(each))
    else:
        yield Equals(expected)


_BOUNDS: Final[Mapping[str, tuple[str, Callable[[float], bool]]]] = {
    "gt": ("more than", lambda over: over > TIME_TOLERANCE),
    "gte": ("at least", lambda over: over >= -TIME_TOLERANCE),
    "lt": ("less than", lambda over: over < -TIME_TOLERANCE),
    "lte": ("at most", lambda over: over <= TIME_TOLERANCE),
}


def _took(expect: ExpectSpec, outcome: Outcome) -> Iterator[Mismatch]:
    expected = expect.took
    if isinstance(expected, TookOperators):
        for name, (text, is_met) in _BOUNDS.items():
            bound = getattr(expected, name)
            if bound is not None and not is_met(outcome.duration - bound):
                yield Mismatch("took", f"{text} {duration(bound)}", duration(outcome.duration))
    elif expected is not None and abs(outcome.duration - expected) > TIME_TOLERANCE:
        yield Mismatch("took", duration(expected), duration(outcome.duration))


def duration(seconds: float) -> str:
    """Format seconds in scenario syntax: `250ms`, `1.5s`."""
    milliseconds = round(seconds * 1000, 3)
    return f"{milliseconds:g}ms" if 0 < milliseconds < 1000 else f"{milliseconds / 1000:.10g}s"


def _rule(expect: ExpectSpec, outcome: Outcome) -> Iterator[Mismatch]:
    rule, expected_condition = outcome.response.responder_id, _condition(expect.rule)
    if not any(map(expected_condition.matches, (MISSING,) if rule is None else names_in(rule))):
        found = "no rule" if rule is None else brief(names_in(rule)[0])
        yield Mismatch(
            "rule", expected_condition.describe(), found, None, tuple(outcome.reasons(expected_condition))
        )


def _modifier(expect: ExpectSpec, outcome: Outcome) -> Iterator[Mismatch]:
    expected_condition = of_set(_condition(expect.modifier))
    spelt = [names_in(id) for id in outcome.response.modifiers]
    forms = range(max(map(len, spelt), default=1))
    by_form = (tuple(each[min(form, len(each) - 1)] for each in spelt) for form in forms)
    if not any(map(expected_condition.matches, by_form)):
        found = brief([each[0] for each in spelt]) if spelt else "none"
        yield Mismatch("modifier", expected_condition.describe(), found)


_CHECKS: Final[Mapping[str, Callable[[ExpectSpec, Outcome], Iterator[Mismatch]]]] = {
    "rule": _rule,
    "refusal": _refusal,
    "modifier": _modifier,
    "tool_calls": _tool_calls,
    "usage": _usage,
    "headers": _headers,
    "chunks": _chunks,
    "faults": _faults,
    "took": _took,
    "body": _body,
}
