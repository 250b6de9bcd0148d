"""The bytes of Ollama's responses, in files."""

from __future__ import annotations

import pytest

from mockllm.core.failure import NAMED, Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import EventStep
from mockllm.core.reply.reply import (
    Choice,
    Media,
    NativePart,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.ollama.generation import OllamaGeneration
from mockllm.dialects.ollama.provider import CHAT, GENERATE
from mockllm.dialects.ollama.request import GenerationRequest, OllamaChatRequest, OllamaGenerateRequest
from tests.golden.wire import assert_golden

IDENTITY = ResponseIdentity(Ids(0, "golden", 1), 1_760_000_000.0)
USAGE = Usage(20, 9)
REPLIES = {
    "text": Reply((Choice((Text(("Forty ", "two.")),)),), USAGE),
    "thinking-and-calls": Reply(
        (
            Choice(
                (
                    Thinking(("Hm", ".")),
                    Text(("Let me see.",)),
                    ToolCall("look", ('{"city":', '"Paris"}')),
                    ToolCall("now", ()),
                    ToolCall("broken", ('{"city":',)),
                    ToolCall("list", ("[1]",)),
                ),
                "tool_calls",
            ),
        ),
        USAGE,
    ),
    "refusal": Reply((Choice((Refusal(("No.",)), Media("image/png", "QQ==")), "refusal"),), USAGE),
    "length": Reply((Choice((Text(("One",)),), "length"), Choice((Text(("other choice",)),))), USAGE),
    "native": Reply(
        (Choice((NativePart("ollama", {"images": ["QQ=="]}), NativePart("openai", {"x": 1}), Text(("x",)))),),
        USAGE,
        "served-model",
        extras={"ollama": {"remote_host": "https://ollama.com"}},
    ),
    "broken": Reply((Choice((Text(("Half",)),)),), USAGE, failure=Failure("overloaded")),
    "no-usage": Reply((Choice((Text(("x",)),)),), Usage(20, 9, presence="missing")),
    "null-usage": Reply((Choice((Text(("x",)),)),), Usage(20, 9, presence="null")),
}


def request(dialect: OllamaGeneration, **fields: Json) -> GenerationRequest:
    kind = OllamaChatRequest if dialect is CHAT else OllamaGenerateRequest
    body = {"model": "llama3.2", "messages": [{"role": "user", "content": "hi"}], "prompt": "hi", **fields}
    return kind(method="POST", path=f"/api/{dialect.api}", headers={}, raw=dumps(body))


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("dialect", [CHAT, GENERATE], ids=["chat", "generate"])
def test_ollama_response_equals_golden_file(dialect: OllamaGeneration, name: str) -> None:
    sent = request(dialect)
    reply = dialect.supported_reply(REPLIES[name], sent)
    assert dialect.supported_reply(reply, sent) == reply
    assert_golden(f"ollama/{dialect.api}-{name}-stream.txt", dialect.encode_stream(reply, sent, IDENTITY))
    if reply.failure is None:
        assert_golden(f"ollama/{dialect.api}-{name}.txt", dialect.encode_body(reply, sent, IDENTITY))


@pytest.mark.parametrize("name", NAMED)
def test_ollama_error_equals_golden_file(name: str) -> None:
    assert_golden(f"ollama/error-{name}.txt", CHAT.error(Failure(name), request(CHAT), IDENTITY))


def test_declined_thinking_is_omitted() -> None:
    sent = request(CHAT, think=False)
    reply = CHAT.supported_reply(REPLIES["thinking-and-calls"], sent)
    assert not any(isinstance(part, Thinking) for part in reply.choices[0].parts)
    assert CHAT.encoding_key(sent) != CHAT.encoding_key(request(CHAT))


def test_redacted_thinking_is_omitted() -> None:
    redacted = Reply((Choice((Thinking(("x",), redacted=True), Text(("y",)))),), USAGE)
    assert CHAT.supported_reply(redacted, request(CHAT)).choices[0].parts == (Text(("y",)),)


def contexts(sent: GenerationRequest) -> list[Json]:
    """The contexts of the body and of the stream; None where the last object has none."""
    reply = GENERATE.supported_reply(REPLIES["text"], sent)
    plans = (GENERATE.encode_body(reply, sent, IDENTITY), GENERATE.encode_stream(reply, sent, IDENTITY))
    steps = [plan.steps[-1] for plan in plans]
    return [loads(step.payload).get("context") for step in steps if isinstance(step, EventStep)]


def test_context_has_the_prompt_and_the_response() -> None:
    short, streamed = contexts(request(GENERATE))
    assert short == streamed
    assert all(type(number) is int and 0 <= number < 128_256 for number in short)
    _, *response = short
    assert response
    sent = request(GENERATE, prompt="Why so?", system="Be brief.")
    first, streamed = contexts(sent)
    assert first == streamed == [*first[:6], *response]
    continued, _ = contexts(request(GENERATE, prompt="Why so?", context=[7, "x", 8]))
    assert continued == [7, 8, *first[3:]]
    assert GENERATE.encoding_key(sent) != GENERATE.encoding_key(request(GENERATE))


def test_raw_prompt_has_no_context() -> None:
    assert contexts(request(GENERATE, prompt="Why so?", raw=True)) == [None, None]
