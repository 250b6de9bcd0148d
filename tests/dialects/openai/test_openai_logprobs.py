"""Probabilities of tokens on request: in chat, responses and legacy completions, of OpenAI and of vendors
that have them.
"""

from __future__ import annotations

from typing import Any

import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import ResponseOutputText, ResponseTextDeltaEvent, ResponseTextDoneEvent

from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Choice, Finish, Part, Refusal, Reply, Text, ToolCall
from mockllm.dialects.azure import provider as azure
from mockllm.dialects.openai.chat.dialect import CHAT, Chat
from mockllm.dialects.openai.provider import COMPLETIONS
from mockllm.dialects.openai.responses.dialect import RESPONSES
from tests.compatible import vendor_dialect
from tests.dialects.openai.chat.chat_requests import IDENTITY, chat
from tests.dialects.openai.completions_requests import body_of, completion
from tests.dialects.openai.responses.responses_requests import responses

CALL = ToolCall("f", ("{}",), "call_1")


def make_reply(*parts: Part, finish: Finish = "stop", choices: int = 1) -> Reply:
    return Reply((Choice(parts, finish),) * choices)


def payloads(plan: Plan) -> list[Json]:
    return [loads(step.payload) for step in plan.steps if isinstance(step, EventStep) and step.kind != "end"]


def tokens(listed: Json) -> list[str]:
    return [item["token"] for item in listed]


# --- chat ----------------------------------------------------------------------------------------


def test_chat_body_has_logprobs_of_each_token() -> None:
    result = body_of(
        CHAT.encode_body(
            make_reply(Text(("Hello wor", "ld."))), chat(logprobs=True, top_logprobs=2), IDENTITY
        )
    )
    reported = result["choices"][0]["logprobs"]
    assert list(reported) == ["content", "refusal"]
    assert reported["refusal"] is None
    first, second, _ = reported["content"]
    assert list(first) == ["token", "logprob", "bytes", "top_logprobs"]
    assert (first["token"], second["token"]) == ("Hello", " world")
    assert first["bytes"] == list(b"Hello")
    assert [list(item) for item in first["top_logprobs"]] == [["token", "logprob", "bytes"]] * 2
    assert ChatCompletion.model_validate(result, strict=True).choices[0].logprobs


def test_logprobs_without_top_have_no_alternatives() -> None:
    result = body_of(CHAT.encode_body(make_reply(Text(("Hi",))), chat(logprobs=True), IDENTITY))
    assert result["choices"][0]["logprobs"]["content"][0]["top_logprobs"] == []


@pytest.mark.parametrize(
    ("parts", "reported"),
    [
        ((CALL,), None),
        ((Refusal(("No",)),), {"content": None, "refusal": ["No"]}),
        ((Text(("Well",)), Refusal((" no",)), Text((".",))), {"content": ["Well", "."], "refusal": [" no"]}),
        ((Text(("Hi",)), CALL), {"content": ["Hi"], "refusal": None}),
    ],
)
def test_logprobs_cover_only_texts_and_refusals(parts: tuple[Part, ...], reported: Json) -> None:
    result = body_of(CHAT.encode_body(make_reply(*parts), chat(logprobs=True), IDENTITY))["choices"][0][
        "logprobs"
    ]
    shown = result and {name: listed and tokens(listed) for name, listed in result.items()}
    assert shown == reported


@pytest.mark.parametrize("fields", [{}, {"logprobs": False}, {"logprobs": None}, {"logprobs": 1}])
def test_logprobs_are_null_without_request(fields: dict[str, Json]) -> None:
    result = body_of(CHAT.encode_body(make_reply(Text(("Hi",))), chat(**fields), IDENTITY))
    assert result["choices"][0]["logprobs"] is None
    chunks = payloads(CHAT.encode_stream(make_reply(Text(("Hi",))), chat(**fields, stream=True), IDENTITY))
    assert {chunk["choices"][0]["logprobs"] for chunk in chunks} == {None}


def test_chat_stream_has_logprobs_of_each_chunk() -> None:
    request = chat(logprobs=True, top_logprobs=1, stream=True, n=2)
    chunks = payloads(CHAT.encode_stream(make_reply(Text(("Hello wor", "ld")), choices=2), request, IDENTITY))
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
    reported = [chunk["choices"][0]["logprobs"] for chunk in chunks if chunk["choices"][0]["index"] == 0]
    assert reported[0] == {"content": [], "refusal": None}
    assert [tokens(item["content"]) for item in reported[1:-1]] == [["Hello", " wor"], ["ld"]]
    assert reported[-1] is None
    other = [chunk["choices"][0]["logprobs"] for chunk in chunks if chunk["choices"][0]["index"] == 1]
    assert other == reported


def test_streamed_refusal_has_logprobs_and_call_has_none() -> None:
    request = chat(logprobs=True, stream=True)
    chunks = payloads(CHAT.encode_stream(make_reply(Refusal(("No",)), finish="refusal"), request, IDENTITY))
    assert chunks[0]["choices"][0]["logprobs"] == {"content": None, "refusal": []}
    assert tokens(chunks[1]["choices"][0]["logprobs"]["refusal"]) == ["No"]
    chunks = payloads(CHAT.encode_stream(make_reply(CALL, finish="tool_calls"), request, IDENTITY))
    assert {chunk["choices"][0]["logprobs"] for chunk in chunks} == {None}
    empty = payloads(CHAT.encode_stream(make_reply(), request, IDENTITY))
    assert empty[0]["choices"][0]["logprobs"] == {"content": [], "refusal": None}


def test_model_without_logprobs_has_them_on_request() -> None:
    result = body_of(
        CHAT.encode_body(make_reply(Text(("Hi",))), chat(model="gpt-5", logprobs=True), IDENTITY)
    )
    assert tokens(result["choices"][0]["logprobs"]["content"]) == ["Hi"]


def test_key_contains_the_logprobs_settings() -> None:
    field_sets: list[dict[str, Json]] = [{}, {"logprobs": True}, {"logprobs": True, "top_logprobs": 2}]
    assert len({CHAT.encoding_key(chat(**fields)) for fields in field_sets}) == 3
    assert len({COMPLETIONS.encoding_key(completion(logprobs=top)) for top in (None, 0, 1)}) == 3


def test_azure_body_has_logprobs() -> None:
    request: Any = azure.CHAT.request_class(
        method="POST",
        path="/",
        headers={},
        raw=chat(logprobs=True).raw,
        path_variables={"deployment": "gpt-4o"},
    )
    result = body_of(azure.CHAT.encode_body(make_reply(Text(("Hi",))), request, IDENTITY))
    assert tokens(result["choices"][0]["logprobs"]["content"]) == ["Hi"]


def vendor(name: str) -> Chat:
    dialect = vendor_dialect(name, "chat")
    assert isinstance(dialect, Chat)
    return dialect


@pytest.mark.parametrize(("name", "has_logprobs"), [("deepseek", True), ("vllm", True), ("mistral", False)])
def test_vendors_with_the_member_have_logprobs(name: str, has_logprobs: bool) -> None:
    call = vendor(name)
    reply = make_reply(Text(("Hi", " you")), CALL)
    result = body_of(call.encode_body(reply, chat(logprobs=True), IDENTITY))["choices"][0].get("logprobs")
    chunks = payloads(call.encode_stream(reply, chat(logprobs=True, stream=True), IDENTITY))
    streamed = [chunk["choices"][0].get("logprobs") for chunk in chunks if chunk["choices"]]
    payload = [token for item in streamed if item for token in tokens(item["content"])]
    assert (result is not None) is has_logprobs
    assert payload == (["Hi", " you"] if has_logprobs else [])


# --- responses -----------------------------------------------------------------------------------

INCLUDE = ["message.output_text.logprobs"]


def test_response_body_has_logprobs_of_each_text() -> None:
    request = responses(include=INCLUDE, top_logprobs=2)
    result = body_of(
        RESPONSES.encode_body(make_reply(Text(("Hello wor", "ld")), Refusal(("no",))), request, IDENTITY)
    )
    content = result["output"][0]["content"][0]
    assert tokens(content["logprobs"]) == ["Hello", " world"]
    assert list(content["logprobs"][0]) == ["token", "logprob", "bytes", "top_logprobs"]
    assert len(content["logprobs"][0]["top_logprobs"]) == result["top_logprobs"] == 2
    assert ResponseOutputText.model_validate(content, strict=True).logprobs


@pytest.mark.parametrize("include", [None, [], ["file_search_call.results"]])
def test_response_without_include_has_no_logprobs(include: Json) -> None:
    result = body_of(RESPONSES.encode_body(make_reply(Text(("Hi",))), responses(include=include), IDENTITY))
    assert result["output"][0]["content"][0]["logprobs"] == []
    events = payloads(
        RESPONSES.encode_stream(make_reply(Text(("Hi",))), responses(include=include, stream=True), IDENTITY)
    )
    assert [event["logprobs"] for event in events if "logprobs" in event] == [[], []]


def test_response_stream_has_logprobs_in_deltas_and_at_end() -> None:
    request = responses(include=INCLUDE, top_logprobs=1, stream=True)
    plan = RESPONSES.encode_stream(make_reply(Text(("Hello wor", "ld")), Text((" Bye",))), request, IDENTITY)
    events = [loads(step.payload) for step in plan.steps if isinstance(step, EventStep)]
    deltas = [event for event in events if event["type"] == "response.output_text.delta"]
    assert [tokens(event["logprobs"]) for event in deltas] == [["Hello", " wor"], ["ld"], [" Bye"]]
    assert ResponseTextDeltaEvent.model_validate(deltas[0], strict=True).logprobs
    assert list(deltas[0]["logprobs"][0]) == ["token", "logprob", "top_logprobs"]
    done = [event for event in events if event["type"] == "response.output_text.done"]
    assert [tokens(event["logprobs"]) for event in done] == [["Hello", " wor", "ld"], [" Bye"]]
    assert ResponseTextDoneEvent.model_validate(done[0], strict=True).logprobs
    parts = [event["part"] for event in events if event["type"] == "response.content_part.done"]
    items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert [item["content"] for item in items] == [[part] for part in parts]
    assert parts[0]["logprobs"][0]["bytes"] == list(b"Hello")
    assert events[-1]["response"]["output"] == items


# --- completions ---------------------------------------------------------------------------------


def completion_logprobs(reply: Reply, **fields: Json) -> list[Json]:
    request = completion(**fields)
    result = body_of(COMPLETIONS.encode_body(COMPLETIONS.supported_reply(reply, request), request, IDENTITY))
    if not request.echoed:  # the package does not say that the first token of a prompt has none
        Completion.model_validate(result, strict=True)
    return [choice["logprobs"] for choice in result["choices"]]


def test_completions_logprobs_are_four_lists() -> None:
    (reported,) = completion_logprobs(make_reply(Text(("Hello wor", "ld"))), prompt="Say", logprobs=2)
    assert list(reported) == ["tokens", "token_logprobs", "top_logprobs", "text_offset"]
    assert reported["tokens"] == ["Hello", " world"]
    assert reported["text_offset"] == [3, 8]
    assert [len(item) for item in reported["top_logprobs"]] == [2, 2]
    assert reported["top_logprobs"][0]["Hello"] == reported["token_logprobs"][0]


def test_completions_with_zero_logprobs_have_no_top() -> None:
    (reported,) = completion_logprobs(make_reply(Text(("Hi",))), logprobs=0)
    assert reported["top_logprobs"] is None
    assert len(reported["token_logprobs"]) == 1
    assert completion_logprobs(make_reply(Text(("Hi",)))) == [None]


def test_first_echoed_token_has_no_probability() -> None:
    (reported,) = completion_logprobs(make_reply(Text((" Hi",))), prompt="Say it", echo=True, logprobs=1)
    assert reported["tokens"] == ["Say", " it", " Hi"]
    assert reported["text_offset"] == [0, 3, 6]
    assert reported["token_logprobs"][0] is reported["top_logprobs"][0] is None
    assert None not in reported["token_logprobs"][1:]


def test_completions_offsets_count_from_each_prompt() -> None:
    match = completion_logprobs(make_reply(Text(("x",)), choices=5), prompt=["a", "abc"], n=2, logprobs=0)
    assert [reported["text_offset"] for reported in match] == [[1], [1], [3], [3], [0]]
    match = completion_logprobs(
        make_reply(Text(("x",)), choices=3), prompt=["", [1, 2]], echo=True, logprobs=0
    )
    assert [reported["text_offset"] for reported in match] == [[0], [0], [0]]
    assert [reported["token_logprobs"][0] is None for reported in match] == [False] * 3


def test_completions_stream_has_logprobs_of_each_chunk() -> None:
    request = completion(prompt="Say", logprobs=1, echo=True, stream=True)
    reply = COMPLETIONS.supported_reply(make_reply(Text((" Hel", "lo"))), request)
    chunks = payloads(COMPLETIONS.encode_stream(reply, request, IDENTITY))
    reported = [chunk["choices"][0]["logprobs"] for chunk in chunks]
    assert [item and item["text_offset"] for item in reported] == [[0], [3], [7], None]
    assert [item["token_logprobs"][0] is None for item in reported[:-1]] == [True, False, False]


def test_empty_first_chunk_precedes_the_first_token() -> None:
    request = completion(prompt="Say", logprobs=1, echo=True, stream=True)
    reply = Reply((Choice((Text(("", "Say")),)),))
    chunks = payloads(COMPLETIONS.encode_stream(reply, request, IDENTITY))
    assert chunks[0]["choices"][0]["logprobs"]["tokens"] == []
    assert chunks[1]["choices"][0]["logprobs"]["token_logprobs"] == [None]
