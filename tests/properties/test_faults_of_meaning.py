"""Whatever fault of meaning is played on whatever reply: the stream stays a legal one in every protocol."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.faults import FAULTS, NotApplicable, ReplyFault, ReplyFaultContext
from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request, Tool
from mockllm.core.request.response_parameters import Format
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.gemini.generate import GENERATE, VERTEX_GENERATE
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.openai.responses.dialect import RESPONSES
from tests.dialects.gemini.generate_requests import objects_of
from tests.dialects.gemini.test_gemini_properties import replies as candidates
from tests.dialects.test_building_and_decoding import CALLS, NAMES, requested
from tests.examples import examples
from tests.properties.replies import any_words, built, unbroken
from tests.properties.test_replies import IDENTITY, PROTOCOLS, Protocol, each_protocol, sizes

place = st.builds(lambda chunks: {"chunks": chunks}, st.integers(0, 4)) | st.builds(
    lambda fraction: {"fraction": fraction}, st.floats(0, 1)
)
places: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional={"after": place})
ways = st.sampled_from(["missing", "type", "value", "extra"])
calls = st.fixed_dictionaries({}, optional={"call": st.integers(1, 2)})
SETTINGS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "content_filter": places,
    "length_stop": places,
    "refusal": st.fixed_dictionaries({}, optional={"text": st.sampled_from(["", "No.", "I can't."])}),
    "empty_answer": st.fixed_dictionaries(
        {}, optional={"finish_reason": st.sampled_from(["length", "tool_calls"])}
    ),
    "bad_tool_arguments": st.builds(
        lambda one, how: {**one, "how": how}, calls, st.sampled_from(["invalid", "truncated"])
    ),
    "unknown_tool": calls,
    "wrong_schema": st.fixed_dictionaries({}, optional={"how": ways}),
}
faults = st.one_of(
    *(st.builds(lambda values, name=name: (name, values), settings_) for name, settings_ in SETTINGS.items())
)
several = st.lists(faults, min_size=1, max_size=3)
Played = list[tuple[str, dict[str, Any]]]


def changed(
    dialect: ReplyDialect,
    reply: Reply,
    request: Request,
    played: Played,
    seed: int,
    *,
    stream: bool = True,
) -> Reply:
    """What the engine makes of the reply: first the faults of what was made, then those of what is shown."""

    def plan(shown: Reply) -> Plan:
        return (dialect.encode_stream if stream else dialect.encode_body)(shown, request, IDENTITY)

    for shown in (False, True):
        if shown:
            reply = dialect.supported_reply(reply, request)
        for name, values in played:
            fault = FAULTS[name].model_validate(values)
            assert isinstance(fault, ReplyFault)
            if fault.applies_after_supported_reply == shown:
                with suppress(NotApplicable):
                    reply = fault.apply_in_context(
                        reply, ReplyFaultContext(request, stream, Random(seed), plan)
                    )
    return reply


@each_protocol
@given(word=any_words, size=sizes, played=several, seed=st.integers(0, 9))
@settings(max_examples=examples(100), deadline=None)
def test_meaning_fault_leaves_legal_order_of_events(
    protocol: Protocol, word: dict[str, Any], size: int, played: Played, seed: int
) -> None:
    request = protocol.request()
    reply = changed(protocol.dialect, built(word, request, size), request, played, seed)
    reported = protocol.streamed(
        protocol.dialect.encode_stream(reply, request, IDENTITY), protocol.count(len(reply.choices))
    )
    assert reported.broken == (reply.failure is not None)


REQUESTED = NeutralRequest(
    stream=True, tools=(Tool("look", {"type": "object", "required": ["a"]}),), response_format=Format("json")
)


@given(reply=candidates, played=several, seed=st.integers(0, 9))
@settings(max_examples=examples(40), deadline=None)
def test_gemini_candidate_ends_once(reply: Reply, played: Played, seed: int) -> None:
    for dialect in (GENERATE, VERTEX_GENERATE):
        request = requested(dialect, REQUESTED)
        changed_ = changed(dialect, reply, request, played, seed)
        chunks = objects_of(dialect.encode_stream(changed_, request, IDENTITY))
        if changed_.failure is not None:
            continue
        ended = [
            each.get("index", 0) for chunk in chunks for each in chunk["candidates"] if "finishReason" in each
        ]
        assert sorted(ended) == list(range(len(changed_.choices)))


@given(word=unbroken, size=sizes, played=several, seed=st.integers(0, 9))
@settings(max_examples=examples(60), deadline=None)
def test_responses_item_is_added_then_done(
    word: dict[str, Any], size: int, played: Played, seed: int
) -> None:
    request = requested(RESPONSES, REQUESTED)
    reply = changed(RESPONSES, built(word, request, size), request, played, seed)
    events = objects(RESPONSES.encode_stream(reply, request, IDENTITY))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    marks = [event["type"] for event in events if event["type"].startswith("response.output_item.")]
    assert marks == ["response.output_item.added", "response.output_item.done"] * (len(marks) // 2)
    items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert events[-1]["response"]["output"] == items
    assert items == objects(RESPONSES.encode_body(reply, request, IDENTITY))[0]["output"]


def objects(plan: Plan) -> list[Json]:
    return [loads(step.payload) for step in plan.steps if isinstance(step, EventStep)]


@pytest.mark.parametrize("name", ["no_usage", "wrong_usage"])
@pytest.mark.parametrize("dialect", CALLS, ids=NAMES)
@given(word=any_words, size=sizes, how=st.sampled_from(["missing", "null"]))
@settings(max_examples=4, deadline=None)
@pytest.mark.covering
def test_counts_change_no_event_but_the_one_that_only_counts(
    dialect: ReplyDialect, word: dict[str, Any], size: int, how: str, name: str
) -> None:
    request = requested(dialect, REQUESTED)
    reply = dialect.supported_reply(built(word, request, size), request)
    values = {"how": how} if name == "no_usage" else {}
    stated = changed(dialect, reply, request, [(name, values)], 0)
    steps: Callable[[Reply], list[Any]] = lambda reported: [  # noqa: E731
        (step.chunk_number, step.kind, step.event)
        for step in dialect.encode_stream(reported, request, IDENTITY).steps
        if isinstance(step, EventStep) and step.kind != "usage"
    ]
    assert steps(stated) == steps(reply)


def test_properties_cover_every_meaning_fault() -> None:
    meanings = {name for name, kind in FAULTS.items() if kind.family == "meaning"}
    assert SETTINGS.keys() | {"no_usage", "wrong_usage"} == meanings, "add a row to SETTINGS of this file"
    assert PROTOCOLS
