"""Properties of any body and any reply: nothing raises, a refusal is a 4xx, a stream has the content of the
body.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.reply.reply import Choice, NativePart, Part, Refusal, Reply, Text, Thinking, ToolCall, Usage
from mockllm.core.request.request import Request
from mockllm.dialects.gemini.generate import GENERATE
from mockllm.dialects.gemini.generate_check import GENERATE as SHAPE
from tests.dialects.gemini.generate_requests import IDENTITY, VERTEX, generate, objects_of, of_bytes
from tests.examples import examples

WORDS = [
    *(
        "role",
        "parts",
        "text",
        "thought",
        "inlineData",
        "inline_data",
        "fileData",
        "mimeType",
        "functionCall",
    ),
    *("function_call", "functionResponse", "name", "args", "response", "id", "user", "model", "result"),
    *("functionDeclarations", "parameters", "functionCallingConfig", "mode", "ANY", "allowedFunctionNames"),
    *("responseMimeType", "application/json", "responseSchema", "title", "stopSequences", "temperature"),
    *("candidateCount", "maxOutputTokens", "thinkingConfig", "includeThoughts", "function", "topP"),
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
bodies = anything | st.dictionaries(st.sampled_from(sorted(SHAPE.fields)), anything, max_size=6)


def read_all_fields(request: Request) -> None:
    """Read every field of a request."""
    for name in dir(type(request)):
        if not name.startswith("_"):
            getattr(request, name)
    for result in request.tool_results:
        assert result.json is not Ellipsis


@given(bodies, st.sampled_from(["/v1beta", VERTEX]))
@settings(max_examples=examples(200), deadline=None)
def test_generate_check_on_any_json_accepts_or_returns_4xx(body: Json, base: str) -> None:
    request = of_bytes(dumps(body), base=base)
    read_all_fields(request)
    GENERATE.encoding_key(request)
    failure = GENERATE.check(request)
    if failure is not None:
        assert 400 <= GENERATE.error(failure, request, IDENTITY).head.status < 500


@given(st.binary(max_size=40))
def test_generate_request_on_any_bytes_never_raises(raw: bytes) -> None:
    request = of_bytes(raw)
    read_all_fields(request)
    GENERATE.check(request)


chunk_tuples = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=4).map(tuple)
parts: st.SearchStrategy[Part] = (
    st.builds(Text, chunk_tuples)
    | st.builds(Thinking, chunk_tuples, st.none() | st.just("c2VhbA=="), st.booleans())
    | st.builds(ToolCall, st.just("look"), chunk_tuples, st.none() | st.just("id"))
    | st.builds(Refusal, chunk_tuples)
    | st.builds(NativePart, st.sampled_from(["gemini", "openai"]), st.just({"executableCode": {}}))
)
choices = st.builds(
    Choice,
    st.lists(parts, max_size=4).map(tuple),
    st.sampled_from(["stop", "length", "tool_calls", "content_filter", "refusal"]),
)
replies = st.builds(
    Reply,
    st.lists(choices, min_size=1, max_size=3).map(tuple),
    st.builds(Usage, st.integers(0, 99), st.integers(0, 99), reasoning=st.integers(0, 99)),
    st.none() | st.sampled_from(["gemini-2.0-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "gemma-3"]),
    st.none() | st.builds(Failure, st.sampled_from(["overloaded", "content_filter"])),
)


@given(replies, st.sampled_from(["/v1beta", VERTEX]), st.sampled_from(["", "alt=sse"]))
@settings(max_examples=examples(200), deadline=None)
def test_stream_and_body_of_any_reply_have_equal_content(reply: Reply, base: str, query: str) -> None:
    request = generate(base=base, query=query, stream=True)
    reply = GENERATE.supported_reply(reply, request)
    plan = GENERATE.encode_stream(reply, request, IDENTITY)
    chunks = objects_of(plan)
    decoded = GENERATE.decode(plan)
    if reply.failure is not None:
        assert all("finishReason" not in item for chunk in chunks[:-1] for item in chunk["candidates"])
        return
    assert decoded is not None
    decoded_body = GENERATE.decode(GENERATE.encode_body(reply, request, IDENTITY))
    assert decoded_body is not None
    assert (decoded.text, decoded.thinking, decoded.calls, decoded.finish, decoded.usage) == (
        decoded_body.text,
        decoded_body.thinking,
        decoded_body.calls,
        decoded_body.finish,
        decoded_body.usage,
    )
    ended = [
        item.get("index", 0) for chunk in chunks for item in chunk["candidates"] if "finishReason" in item
    ]
    assert sorted(ended) == list(range(len(reply.choices)))
