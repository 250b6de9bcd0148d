"""Fireworks behind Hugging Face's router. Recorded in May and August 2026: chats and errors of DeepSeek V4."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Choice, Reply, Text, Thinking
from mockllm.dialects.vendors.chat import VendorChat
from tests.dialects.vendors.test_vendor_calls import IDENTITY, payload, route_request

OWN = "/huggingface/fireworks-ai/inference/v1"
ROUTER = "/huggingface/v1"
MODEL = "deepseek-ai/DeepSeek-V4-Pro-0813"
SERVED = [(OWN, "m"), (ROUTER, MODEL), (ROUTER, "meta-llama/Llama-3.3-70B-Instruct:fireworks-ai")]
HI = Reply((Choice((Thinking(("We",)), Text(("Hi",)))),))


def sent(base: str, model: str, *, stream: bool = False) -> Plan:
    body: dict[str, Json] = {
        "model": model,
        "stream": stream,
        "messages": [{"role": "user", "content": "hi"}],
    }
    options: dict[str, Json] = {"stream_options": {"include_usage": True}} if stream else {}
    dialect, request = route_request(f"{base}/chat/completions", {**body, **options})
    assert isinstance(dialect, VendorChat)
    reply = dialect.supported_reply(HI, request)
    return (
        dialect.encode_stream(reply, request, IDENTITY)
        if stream
        else dialect.encode_body(reply, request, IDENTITY)
    )


def refused(base: str, model: str, failure: Failure) -> Any:
    dialect, request = route_request(f"{base}/chat/completions", {"model": model, "messages": []})
    return payload(dialect.error(failure, request, IDENTITY))


@pytest.mark.parametrize(("base", "model"), SERVED)
def test_response_has_the_form_of_fireworks(base: str, model: str) -> None:
    body = payload(sent(base, model))
    assert list(body) == ["id", "object", "created", "model", "choices", "usage"]
    (choice,) = body["choices"]
    assert list(choice) == ["index", "message", "finish_reason"]
    assert choice["message"] == {"role": "assistant", "content": "Hi", "reasoning_content": "We"}
    assert list(body["usage"]) == [
        *("prompt_tokens", "total_tokens", "completion_tokens", "prompt_tokens_details"),
    ]


@pytest.mark.parametrize(("base", "model"), SERVED)
def test_stream_has_the_form_of_fireworks(base: str, model: str) -> None:
    plan = sent(base, model, stream=True)
    assert dict(plan.head.headers)["content-type"] == "text/event-stream; charset=utf-8"
    *chunks, usage = [loads(data) for data, _ in events(plan) if data != b"[DONE]"]
    first = {"index": 0, "delta": {"role": "assistant"}, "finish_reason": None, "raw_output": None}
    assert chunks[0]["choices"] == [first]
    assert all(chunk["usage"] is None and "system_fingerprint" not in chunk for chunk in chunks)
    assert chunks[1]["choices"][0]["delta"] == {"reasoning_content": "We"}
    assert (usage["choices"], list(usage["usage"])[1]) == ([], "total_tokens")


@pytest.mark.parametrize(("base", "model"), SERVED)
def test_error_is_an_object_of_fireworks(base: str, model: str) -> None:
    invalid = "invalid_request_error"
    error = {"object": "error", "message": "x", "type": invalid, "code": invalid}
    assert refused(base, model, Failure("bad_request", message="x")) == {"error": error}
    assert type(refused(base, model, Failure("insufficient_quota"))["error"]) is str


def test_other_models_have_the_routers_form() -> None:
    assert "system_fingerprint" in payload(sent(ROUTER, "meta-llama/Llama-3.1-8B-Instruct"))
    assert b"raw_output" not in b"".join(data for data, _ in events(sent(ROUTER, "m", stream=True)))
    assert "object" not in refused(ROUTER, "m", Failure("bad_request"))["error"]
