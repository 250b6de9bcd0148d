"""The chats of single providers behind Hugging Face's router: how they end, and the router's headers."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Choice, Reply, Text
from mockllm.dialects.vendors.chat import VendorChat
from tests.dialects.vendors.test_vendor_calls import IDENTITY, payload, route_request

MODELS = ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "deepseek-ai/DeepSeek-R1")
HI = Reply((Choice((Text(("Hi",)),)),))


def routed(model: str, *, stream: bool = False) -> Plan:
    body: Json = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    dialect, request = route_request("/huggingface/together/v1/chat/completions", body)
    assert isinstance(dialect, VendorChat)
    return (
        dialect.encode_stream(HI, request, IDENTITY) if stream else dialect.encode_body(HI, request, IDENTITY)
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True])
def test_text_of_together_behind_the_router_ends_with_stop(model: str, stream: bool) -> None:
    payloads = [loads(data) for data, _ in events(routed(model, stream=stream)) if data != b"[DONE]"]
    reasons = [choice["finish_reason"] for payload in payloads for choice in payload["choices"]]
    assert reasons[-1] == "stop"


@pytest.mark.parametrize("model", MODELS)
def test_together_behind_the_router_has_the_routers_headers(model: str) -> None:
    headers = dict(routed(model).head.headers)
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["retry-after"] == "2"
    assert headers.keys() == {"content-type", "retry-after", "access-control-expose-headers"}


def test_error_behind_the_router_has_no_wait_without_a_reason() -> None:
    dialect, request = route_request("/huggingface/together/v1/chat/completions", {})
    assert isinstance(dialect, VendorChat)
    names = {name for name, _ in dialect.error(Failure("authentication"), request, IDENTITY).head.headers}
    assert names == {"content-type", "access-control-expose-headers"}


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (
            Failure("bad_request", message="model features vision not support"),
            {
                "code": 400,
                "reason": "INVALID_REQUEST_BODY",
                "message": "model features vision not support",
                "metadata": {},
            },
        ),
        (
            Failure("bad_request", message="No.", fields={"reason": "OTHER"}),
            {"code": 400, "reason": "OTHER", "message": "No.", "metadata": {}},
        ),
        (Failure("authentication", message="No."), {"error": "No."}),
    ],
)
def test_novita_refuses_a_body_in_its_own_form(failure: Failure, error: Json) -> None:
    dialect, request = route_request("/huggingface/novita/v3/openai/chat/completions", {})
    plan = dialect.error(failure, request, IDENTITY)
    assert payload(plan) == error
    assert isinstance(dialect, VendorChat)
    decoded = dialect.decode(plan)
    assert decoded is not None
    assert isinstance(decoded.error, dict)
    assert decoded.error["message"] == failure.message


def test_router_of_novita_refuses_an_unknown_model() -> None:
    dialect, request = route_request("/huggingface/novita/v3/openai/chat/completions", {"model": "m"})
    error = payload(dialect.error(Failure("model_not_found"), request, IDENTITY))["error"]
    assert error["code"] == "model_not_found"
