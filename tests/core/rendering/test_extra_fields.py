"""Fields that are added to the events of a plan."""

from __future__ import annotations

import pytest

from mockllm.core.rendering.extra_fields import ExtraFields, parse_path, with_extra_fields
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead, WaitStep


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("$", ()),
        ("$.usage", ("usage",)),
        ("$.choices[].message", ("choices", "[]", "message")),
        ("$[*]", ("[]",)),
        ("choices", None),
        ("$choices", None),
        ("$.a..b", None),
        ("", None),
    ],
)
def test_place_of_path_is_its_steps_or_none(text: str, steps: tuple[str, ...] | None) -> None:
    assert parse_path(text) == steps


def plan(*payloads: bytes, event: str | None = None) -> Plan:
    steps = tuple(EventStep(payload, number, "chunk", event) for number, payload in enumerate(payloads))
    return Plan(ResponseHead(200, ()), steps, Framing.SSE)


def payloads(plan: Plan) -> list[bytes]:
    return [step.payload for step in plan.steps if isinstance(step, EventStep)]


def test_field_is_added_where_it_is_missing() -> None:
    extras = [ExtraFields({"new": None, "old": 2}, ("a", "[]"))]
    added = with_extra_fields(plan(b'{"a":[{"old":1},{"new":0,"old":1},3]}'), extras)
    assert payloads(added) == [b'{"a":[{"old":1,"new":null},{"new":0,"old":1},3]}']


def test_member_is_removed_where_it_is() -> None:
    extras = [ExtraFields({}, ("a", "[]"), without=("old", "gone"))]
    removed = with_extra_fields(plan(b'{"a":[{"old":1,"new":2},{"new":0}]}', b'{"a": [{"new": 0}]}'), extras)
    assert payloads(removed) == [b'{"a":[{"new":2},{"new":0}]}', b'{"a": [{"new": 0}]}']


def test_member_is_removed_before_fields_are_added() -> None:
    extras = [ExtraFields({"old": 2}, without=("old",))]
    assert payloads(with_extra_fields(plan(b'{"old":1,"new":3}'), extras)) == [b'{"new":3,"old":2}']


@pytest.mark.parametrize("payload", [b"[DONE]", b"3", b'{"b":1}', b'{"a":{"x":{}}}', b'{"a":[{"old":0}]}'])
def test_event_without_the_place_has_the_same_bytes(payload: bytes) -> None:
    extras = [ExtraFields({"old": None}, ("a", "[]"))]
    assert payloads(with_extra_fields(plan(payload), extras)) == [payload]


def test_indented_body_stays_indented() -> None:
    assert payloads(with_extra_fields(plan(b'{\n  "a": 1\n}'), [ExtraFields({"b": 2})])) == [
        b'{\n  "a": 1,\n  "b": 2\n}'
    ]


@pytest.mark.parametrize(("name", "chosen"), [("chunk", True), ("delta", True), ("t", True), ("end", False)])
def test_events_select_by_name_type_or_kind(name: str, chosen: bool) -> None:
    extras = [ExtraFields({"new": 1}, (), frozenset({name}))]
    added = payloads(with_extra_fields(plan(b'{"type":"t"}', event="delta"), extras))
    assert (b"new" in added[0]) is chosen


def test_steps_that_are_no_events_stay() -> None:
    steps = (WaitStep(1.0, 0), RawStep(b"{}", 0))
    before = Plan(ResponseHead(200, ()), steps, Framing.SSE)
    assert with_extra_fields(before, [ExtraFields({"new": 1})]) == before
