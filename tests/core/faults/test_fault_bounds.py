"""Faults that repeat: a fault may come several times, so that the product of their repetitions is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any, Final

import pytest
from msgspec.structs import replace

from mockllm.core.faults import FAULTS, NotApplicable, ReplyFault, ReplyFaultContext
from mockllm.core.faults.base import FEW_STEPS, MAX_CHARACTERS, MAX_CHUNKS, MAX_REPEATS, MAX_STEPS
from mockllm.core.faults.form_events import FormFault
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, Payload
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import (
    Media,
    NativePart,
    Part,
    Pause,
    Reply,
    Text,
    ToolCall,
    Verbatim,
    reply_size,
)
from tests.core.faults.plans import STEPS, STREAM, played, reason, refusal
from tests.core.faults.replies import OFFER, TEXT, reply

TOO_MANY = f"the response would have more than {MAX_STEPS:,} events and waits"
DUPLICATE = FAULTS["duplicate"].model_validate({"times": MAX_REPEATS})
FLOOD = FAULTS["comment_flood"].model_validate({"count": MAX_REPEATS, "every": "1ms"})


def test_duplicate_of_duplicates_has_reason() -> None:
    assert reason(DUPLICATE, played(DUPLICATE)) == TOO_MANY
    thousands = FAULTS["duplicate"].model_validate({"times": 2000})
    assert reason(thousands, played(thousands)) == TOO_MANY


def test_floods_of_comments_have_reason_beyond_bound() -> None:
    twice = played(FLOOD, played(FLOOD))
    assert 4 * MAX_REPEATS < len(twice.steps) <= MAX_STEPS
    assert reason(FLOOD, twice) == TOO_MANY


def test_fault_of_few_steps_applies_to_any_stream() -> None:
    long = replace(STREAM, steps=(*STREAM.steps, *(STEPS[:1] * MAX_STEPS)))
    assert len(played(FAULTS["stall"](), long).steps) == len(long.steps) + 1
    flood = FAULTS["comment_flood"].model_validate({"count": FEW_STEPS, "every": "1ms"})
    assert reason(flood, long) == TOO_MANY


class FinishForm(EventLayout):
    """The form of events with a finish reason and no other place."""

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        yield FinishPlace(0, payload, ("reason",), ended=True)


def test_fault_of_form_has_reason_beyond_bound() -> None:
    twice = FAULTS["finish"]()
    assert isinstance(twice, FormFault)
    ends = (EventStep(b'{"reason": "stop"}', 1, "finish"),) * (FEW_STEPS + 1)
    long = replace(STREAM, steps=(*(STEPS[:1] * MAX_STEPS), *ends))
    assert refusal(lambda: twice.apply_to_stream(long, FinishForm())) == TOO_MANY
    assert isinstance(twice.apply_to_stream(replace(STREAM, steps=ends), FinishForm()), Plan)


def test_long_comments_of_flood_have_reason() -> None:
    flood = FAULTS["comment_flood"].model_validate({"count": MAX_REPEATS, "comment": "x" * 1000})
    assert reason(flood) == "the comments would have more than 10 MB"


COUNTING: Final = frozenset({"times", "count"})
"""The names of settings that count repetitions."""
CONTEXT: Final = ReplyFaultContext(OFFER, True, Random(0), lambda _: STREAM)


def most_of(name: str, key: str) -> int | None:
    """Return the largest value of a setting; None where it has no upper bound."""
    schema: dict[str, Any] = FAULTS[name].model_json_schema()["properties"][key]
    for form in schema.get("anyOf", [schema]):
        if form.get("type") == "integer":
            most: int | None = form.get("maximum")
            return most
    return None


REPEATING: Final = {
    name: {key: most_of(name, key) for key in kind.model_fields if key in COUNTING}
    for name, kind in FAULTS.items()
    if not COUNTING.isdisjoint(kind.model_fields)
}
"""The faults with a setting that counts, each with its largest value."""


@pytest.mark.parametrize("name", REPEATING)
def test_fault_that_comes_often_stays_within_bound(name: str) -> None:
    fault = FAULTS[name].model_validate({key: most or 1 for key, most in REPEATING[name].items()})
    plan, content = STREAM, reply(TEXT)
    for _ in range(8):
        with suppress(NotApplicable):
            if isinstance(fault, ReplyFault):
                content = fault.apply_in_context(content, CONTEXT)
            else:
                plan = fault.apply(plan)
    assert len(plan.steps) <= MAX_STEPS
    size = reply_size(content)
    assert (size.chunks <= MAX_CHUNKS, size.characters <= MAX_CHARACTERS) == (True, True)


def test_settings_that_count_have_an_upper_bound() -> None:
    unbounded = [
        f"{name}.{key}" for name, row in REPEATING.items() for key, most in row.items() if most is None
    ]
    assert unbounded == [], "a client may choose the number: Field(ge=1, le=MAX_REPEATS)"


# --- faults of replies ---------------------------------------------------------------------------


class Repeated(ReplyFault):
    """A fault that repeats the content of each choice, and bounds nothing itself."""

    times: int = 999

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply:
        return replace(
            reply,
            choices=tuple(
                replace(one, parts=tuple(self.repeated(part) for part in one.parts)) for one in reply.choices
            ),
        )

    def repeated(self, part: Part) -> Part:
        return replace(part, chunks=part.chunks * (self.times + 1)) if isinstance(part, Text) else part


class Lengthened(Repeated):
    """A fault that makes chunks longer, and bounds nothing itself."""

    def repeated(self, part: Part) -> Part:
        assert isinstance(part, Text)
        return replace(part, chunks=tuple(str(chunk) * (self.times + 1) for chunk in part.chunks))


CHUNKS_REASON = f"the reply would have more than {MAX_CHUNKS:,} chunks"
CHARACTERS_REASON = f"the reply would have more than {MAX_CHARACTERS:,} characters"


def test_repeated_reply_has_reason_beyond_bound() -> None:
    once = Repeated().apply_in_context(reply(TEXT), CONTEXT)
    assert reply_size(once).chunks == 4000
    assert refusal(lambda: Repeated().apply_in_context(once, CONTEXT)) == CHUNKS_REASON


def test_long_characters_of_reply_have_reason_beyond_bound() -> None:
    once = Lengthened().apply_in_context(reply(TEXT), CONTEXT)
    assert reply_size(once) == (4, 1000 * len("One two three four"))
    assert refusal(lambda: Lengthened().apply_in_context(once, CONTEXT)) == CHARACTERS_REASON


@pytest.mark.parametrize(
    ("part", "size"),
    [
        (Text((), whole="x" * 20), (1, 20)),
        (Text(("x" * 10, Pause(1.0), Verbatim(b"x" * 10))), (3, 20)),
        (Media("image/png", "x" * 20), (1, 20)),
        (NativePart("openai", {"text": "x" * 9}), (1, 20)),
        (ToolCall("look", ("{", "}")), (2, 6)),
    ],
)
def test_size_of_a_reply_counts_every_part(part: Part, size: tuple[int, int]) -> None:
    assert reply_size(reply(part)) == size
    assert reply_size(reply(part, part)) == (2 * size[0], 2 * size[1])


def test_long_reply_may_become_little_longer() -> None:
    long = reply(Text(("x" * (MAX_CHARACTERS + 1),)), ToolCall("look", ('{"city": 1}',)))
    called = FAULTS["unknown_tool"]()
    assert isinstance(called, ReplyFault)
    changed = called.apply_in_context(long, CONTEXT)
    assert changed.choices[0].tool_calls[0].name == "look_v2"
