"""Placeholders: what an encoder may do with them; a filled response equals a rendered one."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.json.codec import dumps, loads, pretty
from mockllm.core.randomness import HEX, Ids
from mockllm.core.rendering.placeholders import Placeholders, map_placeholder
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.rendering.prerendered_response import PrerenderedResponse, prerender_response

Encode = Callable[[Ids, float, int], Any]
"""Encodes a body with ids, a time and input tokens."""
NOW = 1_700_000_000.25


def day(now: float) -> str:
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%d")


def plan(payload: bytes, *headers: tuple[str, str]) -> Plan:
    return Plan(ResponseHead(200, headers), (EventStep(payload, 1, "body"),), Framing.PLAIN)


def prerendered(encode: Encode, now: float = NOW, tokens: int = 12) -> PrerenderedResponse:
    placeholders = Placeholders(Ids(0, "", 0), now, tokens)
    body = encode(placeholders.ids, placeholders.now, placeholders.input_tokens)
    return prerender_response(plan(dumps(body)), placeholders)


def filled(response: PrerenderedResponse, ids: Ids, now: float, tokens: int) -> Any:
    (step,) = response.plan(response.compute_placeholder_values(ids.id_seed, now, tokens)).steps
    return loads(step.data)  # type: ignore[union-attr]


BODIES: dict[str, Encode] = {
    "an id": lambda ids, now, tokens: {"id": ids.make("a-", 8)},
    "an id twice": lambda ids, now, tokens: [ids.make("a-", 8), ids.make("a-", 8)],
    "ids in one text": lambda ids, now, tokens: "x".join((ids.make("a-", 8), ids.make("b-", 30), "é\n")),
    "a part of an id": lambda ids, now, tokens: ids.make("", 32, alphabet=HEX)[4:9] + "-",
    "a text of an id": lambda ids, now, tokens: map_placeholder(str.swapcase, ids.make("a", 9)),
    "the time": lambda ids, now, tokens: {"created": map_placeholder(int, now)},
    "an expiry": lambda ids, now, tokens: {
        "created": map_placeholder(int, now),
        "expires": map_placeholder(int, now) + 600 + 9,
    },
    "milliseconds": lambda ids, now, tokens: map_placeholder(int, now * 1000),
    "a date": lambda ids, now, tokens: {"day": map_placeholder(day, now)},
    "a time with a fraction": lambda ids, now, tokens: now,
    "tokens": lambda ids, now, tokens: {"input": tokens, "total": tokens + 5, "more": 5 + tokens},
    "a duration": lambda ids, now, tokens: [tokens * 30_000_000 // 7, 3 * tokens, tokens % 7, tokens / 4],
    "nothing added": lambda ids, now, tokens: [tokens + 0, tokens - 0, tokens + 0.0],
    "a difference": lambda ids, now, tokens: [tokens - 3, 1_000 - tokens],
    "a number in a text": lambda ids, now, tokens: f"{tokens} of {tokens + 1} tokens; {ids.make('a', 3)}",
    "a minimum": lambda ids, now, tokens: max(tokens - 10, 0),
    "a maximum": lambda ids, now, tokens: min(tokens, 100),
    "what is not zero": lambda ids, now, tokens: {"count": tokens} if tokens else {},
    "a comparison": lambda ids, now, tokens: [tokens < 9, tokens <= 9, tokens > 9, tokens >= 9, tokens == 9],
    "no placeholder": lambda ids, now, tokens: {"a": ["\u0000n1;", 5, None]},
}


@pytest.mark.parametrize("encode", BODIES.values(), ids=BODIES)
@given(tokens=st.integers(0, 10**9), sample=st.sampled_from([0, 3, 9, 12, 150]), later=st.floats(0, 10**9))
@settings(deadline=None)
def test_a_filled_body_equals_the_rendered_one(
    encode: Encode, tokens: int, sample: int, later: float
) -> None:
    """Wherever the conditions hold; for the sample they always do."""
    response, now = prerendered(encode, tokens=sample), NOW + later
    assert response.fits(NOW, sample)
    for number, count in ((1, sample), (2, tokens)):
        ids = Ids(3, "scope", number)
        if response.fits(now, count):
            assert dumps(filled(response, ids, now, count)) == dumps(encode(ids, now, count))


@pytest.mark.parametrize(
    ("name", "tokens", "fits"),
    [("a minimum", 9, False), ("a minimum", 11, True), ("a maximum", 101, False), ("tokens", 0, True)],
)
def test_a_comparison_limits_the_use(name: str, tokens: int, fits: bool) -> None:
    assert prerendered(BODIES[name]).fits(NOW, tokens) is fits


@pytest.mark.parametrize(
    "compute",
    [
        lambda ids, now, tokens: b"%d" % tokens,
        lambda ids, now, tokens: tokens + tokens,
        lambda ids, now, tokens: tokens < now,
        lambda ids, now, tokens: {tokens: 1},
        lambda ids, now, tokens: f"{tokens:,}",
        lambda ids, now, tokens: int(now),
        lambda ids, now, tokens: round(now),
        lambda ids, now, tokens: datetime.fromtimestamp(now, UTC),
        lambda ids, now, tokens: ids.root,
        lambda ids, now, tokens: map_placeholder(lambda id: [id], ids.make("a", 3)),
        lambda ids, now, tokens: map_placeholder(len, ids.make("a", 3)) > 2,
        lambda ids, now, tokens: map_placeholder(lambda id: f'"{id}"', ids.make("a", 3)),
    ],
)
def test_unsupported_operations_raise(compute: Encode) -> None:
    placeholders = Placeholders(Ids(0, "", 0), NOW, 5)
    with pytest.raises((TypeError, AttributeError)):
        compute(placeholders.ids, placeholders.now, placeholders.input_tokens)


def test_placeholders_survive_parsing_and_writing() -> None:
    """Some dialects change the JSON that another one wrote."""
    placeholders = Placeholders(Ids(0, "", 0), NOW, 5)
    body = {"id": placeholders.ids.make("a", 8), "n": placeholders.input_tokens, "e": []}
    response = prerender_response(plan(pretty(loads(dumps(body)))), placeholders)
    assert filled(response, ids := Ids(1, "", 1), NOW, 9) == {"id": ids.make("a", 8), "n": 9, "e": []}


def test_unused_placeholders_are_not_computed() -> None:
    placeholders = Placeholders(Ids(0, "", 0), NOW, 5)
    placeholders.ids.make("unused", 8)
    id = placeholders.ids.make("used", 8)
    assert (
        len(prerender_response(plan(dumps(id)), placeholders).compute_placeholder_values(b"0||1|", NOW, 5))
        == 1
    )


def test_a_header_holds_one_placeholder() -> None:
    placeholders = Placeholders(Ids(0, "", 0), NOW, 5)
    id, now = placeholders.ids.make("r", 9), map_placeholder(day, placeholders.now)
    response = prerender_response(plan(b"", ("a", "b"), ("id", id), ("day", now)), placeholders)
    head = response.plan(response.compute_placeholder_values(Ids(0, "", 7).id_seed, 0.0, 1)).head
    assert (head.fixed, dict(head.per_response_headers)) == (
        (("a", "b"),),
        {"id": Ids(0, "", 7).make("r", 9), "day": "1970-01-01"},
    )
    with pytest.raises(TypeError, match="more than one"):
        prerender_response(plan(b"", ("ids", f"{id} {id}")), placeholders)


def test_a_response_knows_whether_it_counts() -> None:
    assert prerendered(BODIES["a duration"]).uses_input_tokens
    assert prerendered(lambda ids, now, tokens: tokens > 5).uses_input_tokens
    assert not prerendered(BODIES["a date"]).uses_input_tokens


@pytest.mark.parametrize(
    ("name", "sums"),
    [
        ("the time", [(True, 0)]),
        ("an expiry", [(True, 0), (True, 609)]),
        ("tokens", [(False, 0), (False, 5)]),
        ("a number in a text", [(False, 0), (False, 1)]),
        ("no placeholder", []),
        ("a time with a fraction", None),
        ("nothing added", None),
        ("a duration", None),
        ("a difference", None),
        ("a text of an id", None),
    ],
)
def test_response_knows_whether_all_values_are_sums(name: str, sums: list[tuple[bool, int]] | None) -> None:
    found = prerendered(BODIES[name]).sums
    assert (None if found is None else list(found)) == sums


def test_derive_applies_to_plain_values() -> None:
    assert map_placeholder(int, 5.5) == 5
    assert map_placeholder(operator.itemgetter(0), "ab") == "a"
