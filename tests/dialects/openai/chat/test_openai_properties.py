"""Properties of any body and any reply: nothing raises, a refusal is a 4xx, a stream is well-formed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.plan import EventStep
from mockllm.core.reply.reply import Choice, NativePart, Part, Refusal, Reply, Text, Thinking, ToolCall
from mockllm.core.request.request import Request
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.chat.field_checks import OPENAI_FIELDS
from tests.dialects.openai.chat.chat_requests import IDENTITY, MINIMAL, chat, of_bytes
from tests.examples import examples

WORDS = [
    *("role", "content", "type", "text", "image_url", "input_audio", "file", "refusal", "url", "id", "name"),
    *("tool_calls", "tool_call_id", "function", "custom", "arguments", "input", "parameters", "strict"),
    *("json_schema", "schema", "include_usage", "user", "assistant", "tool", "system", "allowed_tools"),
    *("mode", "tools", "required", "auto", "none"),
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
)
anything = st.recursive(
    scalars | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=20,
)
message = st.fixed_dictionaries({"role": st.sampled_from(WORDS), "content": anything}) | anything
few = st.dictionaries(st.sampled_from(sorted(OPENAI_FIELDS)), anything, max_size=6)
"""A few fields: where all fields are wrong, the refusal of the first hides those of the others."""
bodies = anything | st.builds(
    lambda own, more: {**more, **own},
    st.fixed_dictionaries(
        {},
        optional={
            "model": anything | st.sampled_from(["gpt-5.6-luna", "gpt-5.4", "o1-mini"]),
            "messages": st.lists(message, max_size=4) | anything,
        },
    ),
    few,
)


def read_all_fields(request: Request) -> None:
    """Read every field of a request."""
    for name in dir(type(request)):
        if not name.startswith("_"):
            getattr(request, name)
    for result in request.tool_results:
        assert result.json is not Ellipsis


@given(bodies)
@settings(max_examples=examples(200), deadline=None)
def test_chat_check_on_any_json_accepts_or_returns_4xx(body: Json) -> None:
    request = of_bytes(dumps(body))
    read_all_fields(request)
    failure = CHAT.check(request)
    if failure is not None:
        assert 400 <= CHAT.error(failure, request, IDENTITY).head.status < 500


@given(st.sampled_from(["model", "messages", *OPENAI_FIELDS]), anything)
@settings(max_examples=examples(200), deadline=None)
def test_chat_request_on_any_field_never_raises(name: str, value: Json) -> None:
    request = chat({**MINIMAL, name: value})
    read_all_fields(request)
    CHAT.check(request)
    CHAT.encoding_key(request)


@given(st.binary(max_size=40))
def test_chat_request_on_any_bytes_never_raises(raw: bytes) -> None:
    request = of_bytes(raw)
    read_all_fields(request)
    CHAT.check(request)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
chunks = st.lists(texts, max_size=4).map(tuple)
parts = st.one_of(
    chunks.map(Text),
    chunks.map(Thinking),
    chunks.map(Refusal),
    st.builds(ToolCall, texts, chunks),
    st.builds(
        NativePart, st.sampled_from(["openai", "anthropic"]), st.dictionaries(st.just("audio"), anything)
    ),
)
choices = st.builds(
    Choice,
    st.lists(parts, max_size=4).map(tuple),
    st.sampled_from(["stop", "length", "tool_calls", "content_filter", "refusal"]),
)
replies = st.builds(
    Reply,
    st.lists(choices, min_size=1, max_size=3).map(tuple),
    failure=st.none() | st.just(Failure("overloaded")),
)


@given(replies, st.booleans())
@settings(deadline=None)
def test_any_reply_is_a_legal_chat_stream(reply: Reply, usage: bool) -> None:
    """Each choice has its role once and first, its chunks, and one finish last; usage and the terminator
    follow."""
    plan = CHAT.encode_stream(reply, chat(stream_options={"include_usage": usage}), IDENTITY)
    payloads = [step.payload for step in plan.steps if isinstance(step, EventStep)]
    if reply.failure is not None:
        assert "error" in loads(payloads[-1])
        chunks = [loads(payload) for payload in payloads[:-1]]
    else:
        assert payloads[-1] == b"[DONE]"
        chunks = [loads(payload) for payload in payloads[:-1]]
        if usage:
            assert chunks.pop()["choices"] == []
    for number, choice in enumerate(reply.choices):
        own = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == number]
        assert ["role" in item["delta"] for item in own] == [True] + [False] * (len(own) - 1)
        finished = [item["finish_reason"] is not None for item in own]
        assert not any(finished[:-1])
        assert finished[-1] == (reply.failure is None)
        content = "".join(item["delta"].get("content") or "" for item in own)
        assert content == "".join(
            text_chunk for part in choice.parts if type(part) is Text for text_chunk in text_chunks(part)
        )


def text_chunks(part: Part) -> list[str]:
    assert isinstance(part, Text)
    return [chunk for chunk in part.chunks if isinstance(chunk, str)]
