"""Neutral values survive each provider's form: a built request is read as the neutral request, and an encoded reply
is decoded as the reply. One table for all generating dialects."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead
from mockllm.core.reply.reply import Choice, Finish, Part, Refusal, Reply, Text, Thinking, ToolCall, Usage
from mockllm.core.request.request import Request, Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.anthropic.messages import MESSAGES
from mockllm.dialects.decoded_response import DecodedResponse, DecodedToolCall
from mockllm.dialects.dialect import ReplyDialect, ResponseIdentity
from mockllm.dialects.gemini.generate import GENERATE, VERTEX_GENERATE
from mockllm.dialects.neutral_request import OPEN_SCHEMA, NeutralRequest
from mockllm.dialects.openai.responses.dialect import RESPONSES
from mockllm.dialects.providers import GENERATING_CALLS, generating_dialect
from mockllm.dialects.router import RouteMatch, find_route
from mockllm.dialects.vendors.chat import VendorChat
from mockllm.dialects.vendors.responses import VendorResponses
from tests.dialects.expressible import expressible

IDENTITY = ResponseIdentity(Ids(0, "", 1), 1_760_000_000.0)
CALLS = [call.dialect for call in GENERATING_CALLS]
NAMES = [call.name for call in GENERATING_CALLS]
dialects = pytest.mark.parametrize("dialect", CALLS, ids=NAMES)
talking = pytest.mark.parametrize(
    "dialect",
    [call for call in CALLS if call.capabilities.conversation],
    ids=[name for name, call in zip(NAMES, CALLS, strict=True) if call.capabilities.conversation],
)
"""Those that have words for more than texts: legacy completions have none for turns, tools and refusals."""
SILENT = NeutralRequest()
SCHEMA: Json = {"type": "object", "properties": {"city": {"type": "string"}}}


def requested(dialect: ReplyDialect, wanted: NeutralRequest) -> Request:
    built = dialect.build_request(wanted)
    path, _, query = built.path.partition("?")
    found = find_route(built.method, path, built.headers, query)
    assert isinstance(found, RouteMatch)
    assert found.dialect is dialect
    return dialect.request_class(
        method=built.method,
        path=path,
        headers=built.headers,
        raw=dumps(built.body),
        query_string=query,
        path_variables=found.path_variables,
    )


WANTED: dict[str, NeutralRequest] = {
    "nothing at all": NeutralRequest(),
    "a model": NeutralRequest(model="mine"),
    "what the user says": NeutralRequest(user="Hello there"),
    "a system text": NeutralRequest(system="Be brief."),
    "a stream": NeutralRequest(stream=True),
    "no stream": NeutralRequest(stream=False),
    "a tool by name": NeutralRequest(tools=(Tool("look"),)),
    "a tool in full": NeutralRequest(
        tools=(Tool("look", SCHEMA, "Looks."),), tool_choice=ToolChoice("named", ("look",))
    ),
    "any tool": NeutralRequest(tools=(Tool("look"),), tool_choice=ToolChoice("any")),
    "no tool": NeutralRequest(tools=(Tool("look"),), tool_choice=ToolChoice("none")),
    "a form": NeutralRequest(
        response_format=Format("schema", None, {**SCHEMA, "additionalProperties": False})
    ),
    "free text": NeutralRequest(response_format=Format("text")),
    "limits": NeutralRequest(max_tokens=16, stop=("END",)),
    "a key": NeutralRequest(api_key="sk-secret"),
    "a history": NeutralRequest(
        messages=[
            {"role": "user", "content": "c"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "a"},
        ]
    ),
}


@talking
@pytest.mark.parametrize("name", WANTED)
@pytest.mark.covering
def test_request_has_all_of_neutral_request(dialect: ReplyDialect, name: str) -> None:
    wanted = expressible(WANTED[name], dialect.capabilities)
    request = requested(dialect, WANTED[name])
    assert dialect.check(request) is None
    assert request.stream is bool(wanted.stream)
    assert request.model == wanted.model or wanted.model is None
    assert request.model
    assert request.system == wanted.system
    assert request.user == ("a" if wanted.messages else wanted.user)
    tools = [(tool.name, tool.schema or OPEN_SCHEMA, tool.description) for tool in wanted.tools]
    assert [(tool.name, tool.schema, tool.description) for tool in request.tools] == tools
    stated = dialect.capabilities
    assert request.tool_choice == ((wanted.tool_choice if stated.tool_choice else None) or ToolChoice())
    assert replace(request.response_format, name=None) == (wanted.response_format or Format())
    assert request.output_bounds.stop == (wanted.stop if stated.stop else ())
    bounds = (None, request.output_bounds.max_tokens)
    assert wanted.max_tokens in bounds, "without this field, conversation=False"
    assert request.api_key == wanted.api_key


@talking
def test_schema_has_form_of_provider(dialect: ReplyDialect) -> None:
    """A tool's schema is stated to be an object's; Anthropic wants the objects of a response's schema closed."""
    inner: Json = {"type": "array", "items": SCHEMA}
    form: dict[str, Json] = {"type": "object", "properties": {"cities": inner}}
    properties = SCHEMA["properties"]
    request = requested(
        dialect,
        NeutralRequest(
            tools=(Tool("look", {"properties": properties}),), response_format=Format("schema", None, form)
        ),
    )
    assert dialect.check(request) is None
    assert request.tools[0].schema == {"type": "object", "properties": properties}
    if dialect.capabilities.closed_schemas:
        closed = {**inner, "items": {**SCHEMA, "additionalProperties": False}}
        form = {**form, "properties": {"cities": closed}, "additionalProperties": False}
    assert request.response_format.schema == (form if dialect.capabilities.response_schema else None)


@talking
def test_schema_true_is_accepted(dialect: ReplyDialect) -> None:
    request = requested(
        dialect, NeutralRequest(tools=(Tool("look", True),), response_format=Format("schema", None, True))
    )
    assert [tool.name for tool in request.tools] == ["look"]


@dialects
def test_request_has_choices_and_free_json_only_if_supported(
    dialect: ReplyDialect,
) -> None:
    request = requested(dialect, NeutralRequest(n=3, response_format=Format("json")))
    assert request.output_bounds.n == (3 if dialect.capabilities.choices else 1)
    assert request.response_format == Format("json" if dialect.capabilities.json_object else "text")


def test_capabilities_of_some_dialects_include_both() -> None:
    capable = {call.endpoint for call in GENERATING_CALLS if call.dialect.capabilities.choices}
    assert capable >= {"openai-chat", "openai-completions", "gemini-generate"}
    assert not capable & {"openai-responses", "anthropic-messages"}
    assert not MESSAGES.capabilities.json_object
    assert RESPONSES.capabilities.json_object


def test_generating_dialect_defaults_to_usual_call() -> None:
    assert generating_dialect("openai") is generating_dialect("openai", "chat")
    assert generating_dialect("openai", "responses") is RESPONSES
    assert generating_dialect("anthropic", "responses") is None
    assert generating_dialect("gemini") is GENERATE
    assert generating_dialect("vertex", "generate") is VERTEX_GENERATE
    assert generating_dialect("nobody") is None


# --- decoding --------------------------------------------------------------------------------------

USAGE = Usage(20, 9, cache_read=4, cache_write=2, reasoning=3)
CALL = ToolCall("look", ('{"city":', '"Paris"}'))
CITY = (DecodedToolCall("look", {"city": "Paris"}),)


def encoded(
    dialect: ReplyDialect, reported: Reply, wanted: NeutralRequest = SILENT, *, stream: bool = False
) -> Plan:
    """The response on the wire to a client with such a request."""
    request = requested(dialect, replace(wanted, stream=stream))
    reported = dialect.supported_reply(reported, request)
    return (
        dialect.encode_stream(reported, request, IDENTITY)
        if stream
        else dialect.encode_body(reported, request, IDENTITY)
    )


def reply(*parts: Part, finish: Finish = "stop") -> Reply:
    return Reply((Choice(parts, finish),), USAGE)


NOTHING = DecodedResponse(None, None, None, (), "stop", USAGE, None, None)
REPLIES: dict[str, tuple[Reply, DecodedResponse, tuple[str, ...]]] = {
    "text": (reply(Text(("Hel", "lo"))), dataclasses.replace(NOTHING, text="Hello"), ("Hel", "lo")),
    "text cut short": (
        reply(Text(("Hel",)), finish="length"),
        dataclasses.replace(NOTHING, text="Hel", finish="length"),
        ("Hel",),
    ),
    "a call": (
        reply(CALL, finish="tool_calls"),
        dataclasses.replace(NOTHING, calls=CITY, finish="tool_calls"),
        ('{"city":', '"Paris"}'),
    ),
    "text and a broken call": (
        reply(Text(("Hm.",)), ToolCall("look", ('{"city": ',)), finish="tool_calls"),
        dataclasses.replace(
            NOTHING, text="Hm.", calls=(DecodedToolCall("look", '{"city": '),), finish="tool_calls"
        ),
        ("Hm.", '{"city": '),
    ),
}


@talking
@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.covering
def test_decode_returns_encoded_reply(dialect: ReplyDialect, name: str) -> None:
    reported, received, chunks = REPLIES[name]
    stated = dialect.capabilities
    cache_write = stated.cache_write and not (
        isinstance(dialect, VendorResponses) and dialect.vendor.name in ("xai", "deepseek")
    )
    usage = replace(
        USAGE,
        cache_read=USAGE.cache_read if stated.cache_read else 0,
        cache_write=USAGE.cache_write if cache_write else 0,
        reasoning=USAGE.reasoning if stated.reasoning else 0,
    )
    received = dataclasses.replace(received, usage=usage)
    if name == "a call" and not stated.chunked_calls:
        chunks = ('{"city":"Paris"}',)
    if name == "text and a broken call" and not stated.invalid_arguments:
        decoded = dialect.decode(encoded(dialect, reported))
        assert decoded is not None
        assert decoded.finish in ("tool_calls", "stop")  # some protocols have a reason for such a call
        received, chunks = dataclasses.replace(received, calls=(), finish=decoded.finish), ("Hm.",)
    assert dialect.decode(encoded(dialect, reported)) == received
    streamed = dialect.decode(encoded(dialect, reported, stream=True))
    if (
        isinstance(dialect, VendorChat)
        and dialect.vendor.name == "together"
        and reported.choices[0].tool_calls
    ):
        received = dataclasses.replace(received, usage=None)  # which this vendor does not count in a stream
    assert streamed == dataclasses.replace(received, chunks=chunks)


@dialects
@pytest.mark.parametrize("stream", [False, True])
def test_response_has_a_declared_framing(dialect: ReplyDialect, stream: bool) -> None:
    framing = encoded(dialect, reply(Text(("a",))), stream=stream).framing
    assert framing in (dialect.capabilities.framings if stream else {Framing.PLAIN})


@dialects
def test_request_class_names_the_call_as_its_dialect_does(dialect: ReplyDialect) -> None:
    kind = dialect.request_class
    assert (kind.dialect, kind.api, kind.generates) == (dialect.name, dialect.api, dialect.generates)


@talking
def test_decode_separates_two_calls(dialect: ReplyDialect) -> None:
    reported = reply(CALL, ToolCall("wait", ("{}",)), finish="tool_calls")
    for stream in (False, True):
        received = dialect.decode(encoded(dialect, reported, stream=stream))
        assert received is not None
        assert received.calls == (*CITY, DecodedToolCall("wait", {}))


@talking
@pytest.mark.parametrize("stream", [False, True])
def test_decode_returns_refusal_in_any_dialect(dialect: ReplyDialect, stream: bool) -> None:
    reported = reply(Refusal(("I can", "not.")), finish="refusal")
    received = dialect.decode(encoded(dialect, reported, stream=stream))
    assert received is not None
    if dialect.capabilities.refusal:
        assert (received.refusal, received.finish) == ("I cannot.", "refusal")
    else:
        assert (received.text, received.finish) == ("I cannot.", "stop")
    assert received.chunks == (("I can", "not.") if stream else None)


@talking
@pytest.mark.parametrize("stream", [False, True])
def test_forced_call_finishes_with_tool_calls(dialect: ReplyDialect, stream: bool) -> None:
    wanted = NeutralRequest(tools=(Tool("look"),), tool_choice=ToolChoice("named", ("look",)))
    received = dialect.decode(encoded(dialect, reply(CALL, finish="tool_calls"), wanted, stream=stream))
    assert received is not None
    assert (received.calls, received.finish) == (CITY, "tool_calls")


@dialects
def test_unsupported_parts_are_keys_of_a_reply(dialect: ReplyDialect) -> None:
    assert dialect.capabilities.unsupported_parts <= {"citations", "images", "thinking", "tool_calls"}


@dialects
def test_calls_are_left_out_as_declared(dialect: ReplyDialect) -> None:
    supported = dialect.supported_reply(
        reply(CALL, finish="tool_calls"), requested(dialect, NeutralRequest())
    )
    calls = [ToolCall] if dialect.capabilities.tool_calls else []
    found = [type(part) for part in supported.choices[0].parts]
    assert found == calls, "`unsupported_parts` has `tool_calls` where no response calls tools"


@dialects
@pytest.mark.parametrize("stream", [False, True])
def test_decode_returns_thinking_if_supported(dialect: ReplyDialect, stream: bool) -> None:
    reported = reply(Thinking(("Let me", " see.")), Text(("Yes.",)))
    received = dialect.decode(encoded(dialect, reported, stream=stream))
    assert received is not None
    shown = dialect.supported_reply(reported, requested(dialect, NeutralRequest())) == reported
    assert not (shown and "thinking" in dialect.capabilities.unsupported_parts)
    assert (received.thinking, received.text) == ("Let me see." if shown else None, "Yes.")
    if stream:
        assert received.chunks == (("Let me", " see.", "Yes.") if shown else ("Yes.",))


@dialects
def test_decode_returns_error(dialect: ReplyDialect) -> None:
    failure = Failure("overloaded", message="Busy.")
    received = dialect.decode(dialect.error(failure, requested(dialect, NeutralRequest()), IDENTITY))
    assert received is not None
    assert (received.error["message"], received.text, received.chunks) == ("Busy.", None, None)


@dialects
def test_decode_returns_error_behind_chunks(dialect: ReplyDialect) -> None:
    reported = replace(reply(Text(("Hel", "lo"))), failure=Failure("overloaded", message="Busy."))
    received = dialect.decode(encoded(dialect, reported, stream=True))
    assert received is not None
    assert (received.error["message"], received.chunks, received.finish) == ("Busy.", ("Hel", "lo"), None)


@dialects
def test_decode_skips_malformed_chunk(dialect: ReplyDialect) -> None:
    plan = encoded(dialect, reply(Text(("a", "b", "c"))), stream=True)
    steps = [
        replace(step, payload=b'{"broken": ')
        if isinstance(step, EventStep) and step.chunk_number == 2
        else step
        for step in plan.steps
        if step.chunk_number <= 2
    ]
    received = dialect.decode(replace(plan, steps=tuple(steps)))
    assert received is not None
    assert (received.text, received.chunks) == ("a", ("a",))


STRANGE: tuple[Json, ...] = (
    None,
    3,
    [],
    {},
    {"choices": 1},
    {"choices": [1, {}, {"index": "0", "delta": {}}], "usage": {"prompt_tokens": "1"}},
    {"choices": [{"index": 0, "delta": {"content": 1, "tool_calls": 1}, "finish_reason": 1}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [1, {}, {"index": [], "function": {}}]}}]},
    {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": None}},
    {"error": "no"},
    {"type": "message", "content": 1},
    {"type": "message", "content": [1, {}, {"type": "text", "text": 1}], "usage": 1, "stop_reason": 1},
    {"object": "response", "output": [1, {}, {"type": "function_call", "name": "f"}], "status": "completed"},
    {"object": "response", "output": [{"type": "message", "content": [1, {"type": "x", "text": "y"}]}]},
    {"type": "response.output_item.added", "output_index": 0, "item": {}},
    {"type": "response.tomorrow.delta", "output_index": 0, "delta": "x"},
    {"type": "response.content_part.done", "part": {"type": "output_text"}},
    {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}}},
    {"type": "response.completed", "response": {"usage": {"input_tokens": 1, "output_tokens": 2}}},
    {"type": "message_start", "message": {"usage": {"input_tokens": "1"}}},
    {"type": "message_start", "message": {"usage": {"input_tokens": 1, "output_tokens": None}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}},
    {"type": "content_block_delta", "index": 9, "delta": {"type": "input_json_delta", "partial_json": "{"}},
    {"type": "message_delta", "delta": {"stop_reason": "one of tomorrow's"}},
    [{"candidates": 1}, {"candidates": [1, {}, {"index": [], "content": 1, "finishReason": 1}]}],
    {
        "candidates": [
            {"content": {"parts": [1, {}, {"text": 1}, {"functionCall": {"name": "x", "args": 1}}]}}
        ]
    },
    {"candidates": [{"content": {"parts": [{"functionCall": {}}]}, "finishReason": "ONE_OF_TOMORROW"}]},
    {"usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": "2"}, "promptFeedback": 1},
    {"promptFeedback": {"blockReason": "OTHER"}},
)


@dialects
@pytest.mark.parametrize("payload", STRANGE, ids=lambda payload: dumps(payload).decode())
@pytest.mark.covering
def test_whatever_is_on_the_wire_nothing_raises(dialect: ReplyDialect, payload: Json) -> None:
    head, body = ResponseHead(200, ()), dumps(payload)
    dialect.decode(Plan(head, (EventStep(body, 0, "body"),)))
    dialect.decode(Plan(head, (RawStep(b"data: " + body + b"\n\n", 0),), Framing.SSE))


@dialects
def test_decode_of_foreign_body_is_none(dialect: ReplyDialect) -> None:
    assert dialect.decode(Plan(ResponseHead(200, ()), (EventStep(b"plain text", 0, "body"),))) is None
