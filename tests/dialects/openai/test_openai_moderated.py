"""The `moderation` that a request of chat or responses wants beside its reply."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Choice, Reply, Text
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.responses.dialect import RESPONSES
from mockllm.dialects.openai.responses.request import ResponsesRequest
from tests.dialects.openai.chat.chat_requests import IDENTITY, chat

MODEL = "omni-moderation-latest"
RUDE = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "You idiot!"}]
WANTED: Json = {"messages": RUDE, "moderation": {"model": MODEL}}
REPLY = Reply((Choice((Text(("Good ", "day.")),)),))


def responses(**fields: Json) -> ResponsesRequest:
    body = {"model": "gpt-5-nano", "input": "You idiot!", "moderation": {"model": MODEL}, **fields}
    return ResponsesRequest(method="POST", path="/v1/responses", headers={}, raw=dumps(body))


def payloads(plan: Plan) -> Sequence[Json]:
    return [loads(data) for data, _ in events(plan) if data != b"[DONE]"]


def flags(side: Json) -> list[bool]:
    assert (side["type"], side["model"]) == ("moderation_results", MODEL)
    assert {(result["type"], result["model"]) for result in side["results"]} == {("moderation_result", MODEL)}
    return [result["flagged"] for result in side["results"]]


def test_chat_body_has_results_for_request_and_choices() -> None:
    reply = Reply((*REPLY.choices, Choice((Text(("Idiot yourself.",)),))))
    (body,) = payloads(CHAT.encode_body(reply, chat(**WANTED), IDENTITY))
    moderation = body["moderation"]
    assert (flags(moderation["input"]), flags(moderation["output"])) == ([True], [False, True])
    assert moderation["input"]["results"][0]["categories"]["harassment"] is True
    assert ChatCompletion.model_validate(body, strict=True).moderation is not None


@pytest.mark.parametrize("usage", [True, False])
def test_chat_stream_ends_with_a_chunk_of_moderation(usage: bool) -> None:
    request = chat(**WANTED, stream=True, stream_options={"include_usage": usage})
    chunks = payloads(CHAT.encode_stream(REPLY, request, IDENTITY))
    assert ["moderation" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert (chunks[-1]["choices"], flags(chunks[-1]["moderation"]["input"])) == ([], [True])
    assert bool(chunks[-2].get("usage")) is usage
    assert ChatCompletionChunk.model_validate(chunks[-1], strict=True).moderation is not None


def test_response_has_one_result_for_each_side() -> None:
    (body,) = payloads(RESPONSES.encode_body(REPLY, responses(), IDENTITY))
    assert [body["moderation"][side]["flagged"] for side in ("input", "output")] == [True, False]
    assert Response.model_validate(body, strict=True).moderation is not None
    streamed = payloads(RESPONSES.encode_stream(REPLY, responses(stream=True), IDENTITY))
    assert streamed[0]["response"]["moderation"] is None
    assert streamed[-1]["response"]["moderation"] == body["moderation"]


def test_reply_without_wanted_moderation_has_none() -> None:
    (body,) = payloads(CHAT.encode_body(REPLY, chat(messages=RUDE), IDENTITY))
    assert "moderation" not in body
    (body,) = payloads(RESPONSES.encode_body(REPLY, responses(moderation=None), IDENTITY))
    assert body["moderation"] is None


def test_extras_are_merged_into_the_moderation() -> None:
    extras: Json = {"openai": {"moderation": {"output": {"error": "x"}}}}
    reply = Reply(REPLY.choices, extras=extras)
    for body in (
        *payloads(CHAT.encode_body(reply, chat(**WANTED), IDENTITY)),
        payloads(CHAT.encode_stream(reply, chat(**WANTED), IDENTITY))[-1],
        *payloads(RESPONSES.encode_body(reply, responses(), IDENTITY)),
    ):
        assert {"type", "error"} <= set(body["moderation"]["output"])


def test_moderated_request_has_its_own_cached_response() -> None:
    kind = {**WANTED, "messages": [{"role": "user", "content": "Good day."}]}
    assert CHAT.encoding_key(chat(**WANTED)) != CHAT.encoding_key(chat(**kind))
    assert CHAT.encoding_key(chat(**WANTED)) == CHAT.encoding_key(chat(**WANTED))
    assert RESPONSES.encoding_key(responses()) != RESPONSES.encoding_key(responses(input="Good day."))
    assert RESPONSES.encoding_key(responses()) != RESPONSES.encoding_key(responses(moderation=None))
