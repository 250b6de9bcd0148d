"""Legal variations: the same content in another legal form."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.faults import FAULTS, NotApplicable, ReplyFault, ReplyFaultContext
from mockllm.core.rendering.event_parser import events, sent_bytes
from mockllm.core.rendering.plan import Framing, HeadForm, Plan
from mockllm.core.reply.reply import Call, Choice, Refusal, Reply, Text
from mockllm.core.request.request import Request
from tests.core.faults import plans

CALLS = (Call("a", ("1", "2")), Call("b", ("3",)))


def made(name: str, **settings: Any) -> Any:
    return FAULTS[name].model_validate(settings)


def context(*, shows: bool = True) -> ReplyFaultContext:
    """One whose plans show the reply, or are always the same."""

    def plan(reply: Reply) -> Plan:
        text = repr(reply).encode() if shows else b""
        return replace(plans.WHOLE, steps=(replace(plans.WHOLE.steps[1], payload=text),))

    return ReplyFaultContext(Request(method="POST", path="/", headers={}), True, Random(1), plan)


def applied(fault: ReplyFault, *parts: Any, shows: bool = True, **more: Any) -> Reply | NotApplicable:
    return fault.apply_in_context(Reply((Choice(parts),), **more), context(shows=shows))


def test_header_form_is_part_of_the_delivery() -> None:
    plan = plans.played(made("header_form", case="upper", order="reversed"))
    assert plan.delivery.form == HeadForm("upper", True)
    assert plans.played(made("header_form")).delivery.form == HeadForm("lower", False)


@pytest.mark.parametrize("crlf", [False, True])
def test_no_space_leaves_the_events_as_they_are(crlf: bool) -> None:
    plain = plans.played(made("crlf")) if crlf else plans.STREAM
    dense = plans.played(made("no_space"), plain)
    assert list(events(dense)) == list(events(plain))
    assert sent_bytes(dense) == sent_bytes(plain).replace(b": ", b":")


def test_crlf_after_no_space_is_the_same_as_before() -> None:
    one = plans.played(made("crlf"), plans.played(made("no_space")))
    assert one.framing is Framing.SSE_DENSE_CRLF
    assert one == plans.played(made("no_space"), plans.played(made("crlf")))
    assert plans.reason(made("crlf"), one) == "its lines end with CRLF already"
    assert b":keep" not in sent_bytes(plans.played(made("comment_flood", count=1), one))


def test_no_space_of_an_array_has_reason() -> None:
    assert plans.reason(made("no_space"), plans.ARRAY) == "the response is not a stream of server-sent events"


@pytest.mark.parametrize(
    ("at", "chunks"),
    [("both", ("", "x", "")), ("first", ("", "x")), ("last", ("x", ""))],
)
def test_empty_chunks_are_around_texts(at: str, chunks: tuple[str, ...]) -> None:
    reply = applied(made("empty_chunks", at=at), Text(("x",)), CALLS[0])
    assert isinstance(reply, Reply)
    assert reply.choices[0].parts == (Text(chunks), CALLS[0])


def test_empty_chunks_without_a_text_have_reason() -> None:
    assert applied(made("empty_chunks"), CALLS[0]) == NotApplicable("the response has no text")


def test_interleaved_calls_mark_the_choice() -> None:
    reply = applied(made("interleaved_calls"), *CALLS)
    assert isinstance(reply, Reply)
    assert reply.choices[0].interleaved


@pytest.mark.parametrize(
    ("parts", "shows", "reason"),
    [
        ((CALLS[0], Refusal(("x",)), CALLS[1]), True, "the response has no two tool calls in a row"),
        (CALLS, False, "the protocol sends one call after another"),
    ],
)
def test_interleaved_calls_have_reason(parts: tuple[Any, ...], shows: bool, reason: str) -> None:
    assert applied(made("interleaved_calls"), *parts, shows=shows) == NotApplicable(reason)


def test_interleaved_calls_of_an_error_have_reason() -> None:
    found = applied(made("interleaved_calls"), *CALLS, broken=Failure("overloaded"))
    assert isinstance(found, NotApplicable)


def test_unasked_usage_marks_the_usage() -> None:
    reply = applied(made("unasked_usage"), Text(("x",)))
    assert isinstance(reply, Reply)
    assert reply.usage.unasked
    assert applied(made("unasked_usage"), Text(("x",)), shows=False) == NotApplicable(
        "the response does not show it"
    )
