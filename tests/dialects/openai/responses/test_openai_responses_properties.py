"""Properties of any body and any reply: nothing raises, a refusal is a 4xx, a stream builds its last
response.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Reply
from mockllm.dialects.openai.responses.dialect import RESPONSES
from mockllm.dialects.openai.responses.fields import OPENAI_FIELDS
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.openai.chat.test_openai_properties import anything, read_all_fields, replies
from tests.dialects.openai.responses.responses_requests import of_bytes, responses
from tests.examples import examples

KINDS = [
    *("message", "function_call", "custom_tool_call", "function_call_output", "reasoning", "item_reference"),
    *("computer_call_output", "web_search_call"),
]
MEMBERS = ("role", "content", "call_id", "name", "arguments", "output", "summary", "id", "input")
members = st.dictionaries(st.sampled_from(MEMBERS), anything, max_size=3)
item = st.builds(lambda kind, more: {**more, "type": kind}, st.sampled_from(KINDS), members)
bodies = st.builds(
    lambda own, more: {**more, **own},
    st.fixed_dictionaries({}, optional={"input": st.lists(item | anything, max_size=4)}),
    st.dictionaries(st.sampled_from(["model", "input", *OPENAI_FIELDS]), anything, max_size=6),
)
"""A few fields: where all are wrong, the refusal of the first hides those of the others."""


def event_payloads(plan: Plan) -> list[Json]:
    return [loads(step.payload) for step in plan.steps if isinstance(step, EventStep)]


@given(bodies)
@settings(max_examples=examples(200), deadline=None)
def test_responses_check_on_any_json_accepts_or_returns_4xx(body: Json) -> None:
    request = of_bytes(dumps(body))
    read_all_fields(request)
    RESPONSES.encoding_key(request)
    failure = RESPONSES.check(request)
    if failure is not None:
        assert 400 <= RESPONSES.error(failure, request, IDENTITY).head.status < 500


@given(st.sampled_from(["model", "input", *OPENAI_FIELDS]), anything, replies)
@settings(max_examples=examples(200), deadline=None)
def test_responses_echo_of_any_field_never_raises(name: str, value: Json, reply: Reply) -> None:
    request = responses(**{name: value})
    reply = RESPONSES.supported_reply(reply, request)
    assert event_payloads(RESPONSES.encode_body(reply, request, IDENTITY))[0]["object"] == "response"
    assert (
        event_payloads(RESPONSES.encode_stream(reply, request, IDENTITY))[0]["response"]["object"]
        == "response"
    )


@given(replies)
@settings(deadline=None)
def test_any_reply_is_a_legal_responses_stream(reply: Reply) -> None:
    """Each item is added, then done, before the next; the last response holds them all as they were done."""
    events = event_payloads(
        RESPONSES.encode_stream(RESPONSES.supported_reply(reply, responses()), responses(), IDENTITY)
    )
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    marks = [event["type"] for event in events if event["type"].startswith("response.output_item.")]
    added, done = marks[::2], marks[1::2]
    assert set(added) <= {"response.output_item.added"}
    assert set(done) <= {"response.output_item.done"}
    items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert events[-1]["response"]["output"] == items
    if isinstance(reply.failure, Failure):
        assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    else:
        assert items == event_payloads(RESPONSES.encode_body(reply, responses(), IDENTITY))[0]["output"]
        assert len(added) == len(done)
