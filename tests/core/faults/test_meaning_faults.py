"""Meaning faults: the resulting replies, and reasons where a fault does not apply."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from mockllm.core.failure import Failure
from mockllm.core.faults import ReplyFault, ReplyFaultContext
from mockllm.core.randomness import Randomness
from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.core.reply.reply import (
    Choice,
    NativePart,
    Refusal,
    Reply,
    Text,
    Usage,
)
from mockllm.core.request.request import Request
from mockllm.core.templates.template import TemplateScope
from mockllm.core.values.types import EvaluationContext, evaluate
from tests.core.faults.plans import refusal
from tests.core.faults.replies import (
    FIND,
    LOOK,
    OFFER,
    TEXT,
    THOUGHT,
    USAGE,
    _plan,
    apply_fault,
    choice,
    fault,
    reason,
    reply,
)

# --- how it ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings", "kept"),
    [
        pytest.param(
            "length_stop", {}, Choice((Text(("One", " two", " t")),), "length"), id="cut in the middle"
        ),
        pytest.param(
            "length_stop",
            {"after": {"chunks": 1}},
            Choice((Text(("One",)),), "length"),
            id="cut behind a chunk",
        ),
        pytest.param(
            "length_stop", {"after": {"fraction": "0%"}}, Choice((), "length"), id="cut before it begins"
        ),
        pytest.param(
            "content_filter",
            {"after": {"fraction": 0.2}, "category": "hate"},
            Choice((Text(("One",)),), "content_filter", flagged="hate"),
            id="filtered",
        ),
        pytest.param(
            "refusal", {"text": "No way."}, Choice((Refusal(("No", " way", ".")),), "refusal"), id="refused"
        ),
        pytest.param("empty_answer", {}, Choice((), "stop"), id="empty"),
        pytest.param(
            "empty_answer", {"finish_reason": "length"}, Choice((), "length"), id="empty for its thinking"
        ),
    ],
)
def test_ending_fault_changes_the_choice(name: str, settings: dict[str, Any], kept: Choice) -> None:
    assert choice(name, reply(TEXT), **settings) == kept
    assert choice(name, Reply((Choice((TEXT,), stopped_by="x"),) * 2, USAGE), **settings) == kept


def test_refusal_comes_after_thinking() -> None:
    assert choice("refusal", reply(THOUGHT, TEXT, LOOK), text="No").parts == (THOUGHT, Refusal(("No",)))


@pytest.mark.parametrize(
    ("name", "settings", "usage"),
    [
        pytest.param("length_stop", {"after": {"chunks": 3}}, Usage(20, 6, reasoning=3), id="less was said"),
        pytest.param("empty_answer", {}, Usage(20, 3, reasoning=1), id="nothing was said or thought"),
        pytest.param("refusal", {"text": "No"}, Usage(20, 6, reasoning=3), id="something else was said"),
        pytest.param(
            "length_stop", {"after": {"chunks": 1}}, Usage(20, 4, reasoning=2), id="less was thought"
        ),
    ],
)
def test_ending_fault_recounts_usage(name: str, settings: dict[str, Any], usage: Usage) -> None:
    built = apply_fault(name, reply(THOUGHT, TEXT), **settings)
    assert isinstance(built, Reply)
    assert built.usage == usage


def test_ending_fault_usage_is_never_negative() -> None:
    built = apply_fault("empty_answer", reply(TEXT, usage=Usage(1, 2, reasoning=2)))
    assert isinstance(built, Reply)
    assert built.usage == Usage(1, 0)


@pytest.mark.parametrize("name", ["length_stop", "content_filter", "refusal", "empty_answer"])
def test_ending_fault_of_reply_with_error_has_reason(name: str) -> None:
    reported = replace(reply(TEXT), failure=Failure("overloaded"))
    assert reason(name, reported) == "the reply itself ends with an error"


def test_length_stop_beyond_the_end_has_reason() -> None:
    assert reason("length_stop", reply(TEXT), after={"chunks": 5}) == "the response has fewer than 5 chunks"


def test_ending_fault_leaves_a_choice_that_it_cannot_change() -> None:
    """A fault has a reason only where it changes no choice."""
    short, empty, long = Choice((Text(("x",)),)), Choice(()), Choice((TEXT,))
    choices = apply_fault("length_stop", Reply((short, long), USAGE), after={"chunks": 3}).choices
    assert choices == (short, Choice((Text(("One", " two", " three")),), "length"))
    assert apply_fault("empty_answer", Reply((long, empty), USAGE)).choices == (empty, empty)
    assert reason("length_stop", Reply((short, empty), USAGE), after={"chunks": 3}) == (
        "the response has fewer than 3 chunks"
    )


def test_empty_answer_of_empty_reply_has_reason() -> None:
    assert reason("empty_answer", reply()) == "the response is empty already"


def test_cutting_fault_place_may_be_drawn_or_template() -> None:
    request = Request(method="POST", path="/", headers={}, query_string="n=2")
    context = EvaluationContext(TemplateScope(request), Randomness(0, "rule", "", 0))
    built = evaluate(fault("length_stop", after={"chunks": "{{ query.n }}"}), context)
    assert choice_of(built).parts == (Text(("One", " two")),)
    drawn = {
        len(choice_of(evaluate(fault("length_stop", after={"fraction": ["10%", "90%"]}), at)).text)
        for at in (
            EvaluationContext(TemplateScope(request), Randomness(0, "rule", "", tries)) for tries in range(20)
        )
    }
    assert len(drawn) > 5


def choice_of(built: ReplyFault) -> Choice:
    reported = built.apply_in_context(reply(TEXT), ReplyFaultContext(OFFER, True, Random(0), _plan))
    return reported.choices[0]


# --- usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings", "usage"),
    [
        pytest.param("no_usage", {}, replace(USAGE, presence="missing"), id="not there"),
        pytest.param("no_usage", {"how": "null"}, replace(USAGE, presence="null"), id="null"),
        pytest.param("wrong_usage", {}, replace(USAGE, output=90, stated=29), id="ten times as much"),
        pytest.param("wrong_usage", {"total_tokens": 5}, replace(USAGE, stated=5), id="another total"),
        pytest.param(
            "wrong_usage",
            {"input_tokens": -1, "output_tokens": 2, "cached_tokens": 99, "reasoning_tokens": 50},
            Usage(-1, 2, cache_read=99, reasoning=50, stated=29),
            id="everything",
        ),
    ],
)
def test_usage_fault_changes_the_counts(name: str, settings: dict[str, Any], usage: Usage) -> None:
    built = apply_fault(name, reply(TEXT), **settings)
    assert isinstance(built, Reply)
    assert (built.usage, built.choices) == (usage, reply(TEXT).choices)


def test_wrong_usage_of_zero_is_wrong() -> None:
    built = apply_fault("wrong_usage", reply(usage=Usage(3, 0)))
    assert isinstance(built, Reply)
    assert built.usage == Usage(3, 10, stated=3)


@pytest.mark.parametrize("name", ["no_usage", "wrong_usage"])
def test_usage_fault_without_visible_usage_has_reason(name: str) -> None:
    silent = Plan(ResponseHead(200, ()), ())
    assert reason(name, reply(TEXT), plan=lambda _: silent) == "the response does not show it"


def test_usage_tell_writes_null_or_removes_usage() -> None:
    reported = {"usage": {"a": 1}, "b": 2}
    assert Usage(1, 1).null_or_remove_usage(dict(reported), "usage") == reported
    assert Usage(1, 1, presence="null").null_or_remove_usage(dict(reported), "usage") == {
        "usage": None,
        "b": 2,
    }
    assert Usage(1, 1, presence="missing").null_or_remove_usage(dict(reported), "usage") == {"b": 2}
    assert Usage(1, 1, presence="missing").null_or_remove_usage({"b": 2}, "usage") == {"b": 2}


# --- all of them ---------------------------------------------------------------------------------

MEANINGS = [
    "content_filter",
    "refusal",
    "length_stop",
    "empty_answer",
    "bad_tool_arguments",
    "unknown_tool",
    "wrong_schema",
    "wrong_usage",
    "no_usage",
]


@pytest.mark.parametrize("name", MEANINGS)
def test_meaning_fault_of_plan_has_reason(name: str) -> None:
    plan = Plan(ResponseHead(500, ()), ())
    assert refusal(lambda: fault(name).apply(plan)) == "the response is not a reply"


@pytest.mark.parametrize("name", MEANINGS)
def test_meaning_fault_is_equal_for_equal_seed(name: str) -> None:
    reported = reply(THOUGHT, TEXT, LOOK, FIND, NativePart("openai", {"type": "x"}))
    assert apply_fault(name, reported, seed=5) == apply_fault(name, reported, seed=5)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("length_stop", {"after": {}}),
        ("length_stop", {"after": {"chunks": 1, "fraction": 0.5}}),
        ("length_stop", {"after": {"chunks": -1}}),
        ("content_filter", {"category": "rude"}),
        ("empty_answer", {"finish_reason": "bored"}),
        ("bad_tool_arguments", {"how": "odd"}),
        ("bad_tool_arguments", {"call": 0}),
        ("wrong_usage", {"total_tokens": "5"}),
        ("refusal", {"words": "No"}),
    ],
)
def test_fault_invalid_settings_are_refused(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        fault(name, **settings)
