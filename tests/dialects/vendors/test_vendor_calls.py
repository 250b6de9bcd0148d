"""Vendors' differences from OpenAI, call by call; the SDK's tests and the recordings cover the rest."""

from __future__ import annotations

import pytest

from mockllm.core.failure import NAMED, Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import (
    Choice,
    Citation,
    NativePart,
    Pause,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect, ModelsDialect, ReplyDialect, ResponseIdentity
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.errors import ROWS
from mockllm.dialects.providers import generating_dialect
from mockllm.dialects.router import RouteMatch, find_route
from mockllm.dialects.vendors.vendor import Vendor, VendorIdFormat
from tests.compatible import VENDORS, vendor_dialects

IDENTITY = ResponseIdentity(Ids(0, "vendors", 1), 1_760_000_000.0)
vendors = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
HI: Json = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def route_request(path: str, body: Json) -> tuple[Dialect, Request]:
    match = find_route("POST", path, {})
    assert isinstance(match, RouteMatch)
    result = match.dialect.request_class(
        method="POST",
        path=match.path,
        headers={},
        raw=dumps(body),
        provider=match.provider,
        path_variables=match.path_variables,
    )
    return match.dialect, result


def chat(vendor: str) -> ReplyDialect:
    match = generating_dialect(vendor, "chat")
    assert match is not None
    return match


def request(*, stream: bool = False) -> Request:
    body = {**HI, "stream": stream, "stream_options": {"include_usage": True}}
    return ChatRequest(method="POST", path="/", headers={}, raw=dumps(body))


def payload(plan: Plan) -> Json:
    return loads(next(data for data, _ in events(plan)))


@vendors
def test_vendor_call_has_its_head_and_no_openai_address(
    vendor: Vendor,
) -> None:
    for name in NAMED:
        for dialect in vendor_dialects(vendor.name):
            plan = dialect.error(Failure(name), request(), IDENTITY)
            assert plan.head.status >= 400
            assert b"openai.com" not in plan.steps[0].payload.lower()  # type: ignore[union-attr]
            assert not any(header.startswith("openai") for header, _ in plan.head.headers)


def test_vendor_row_has_every_named_error() -> None:
    assert all(vendor.errors.rows.keys() >= ROWS.keys() for vendor in VENDORS)


@vendors
def test_openai_block_is_a_message_member_and_a_delta(vendor: Vendor) -> None:
    reply = Reply((Choice((NativePart("openai", {"audio": {"id": "a"}}), Text(("Hi",)))),), Usage(1, 1))
    dialect = chat(vendor.name)
    body = payload(dialect.encode_body(reply, request(), IDENTITY))
    assert body["choices"][0]["message"]["audio"] == {"id": "a"}
    streamed = dialect.encode_stream(reply, request(stream=True), IDENTITY)
    deltas = [
        choice["delta"]
        for data, _ in events(streamed)
        if data != b"[DONE]"
        for choice in loads(data)["choices"]
    ]
    assert [delta["audio"] for delta in deltas if "audio" in delta] == [{"id": "a"}]
    assert deltas[0]["role"] == "assistant"


@vendors
def test_empty_vendor_response_has_role_and_finish(vendor: Vendor) -> None:
    plan = chat(vendor.name).encode_stream(Reply((Choice(()),)), request(stream=True), IDENTITY)
    choices = [c for data, _ in events(plan) if data != b"[DONE]" for c in loads(data)["choices"]]
    assert any(choice["delta"].get("role") == "assistant" for choice in choices)
    finishes = 2 if vendor.name == "openrouter" else 1  # its chunk with the usage repeats the reason
    reasons = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    assert reasons == [vendor.form.finish["stop"]] * finishes


def test_complete_call_comes_after_the_waits_before_it() -> None:
    reply = Reply((Choice((ToolCall("f", ("{", Pause(1.0), "}")),), "tool_calls"),))
    (part,) = chat("ollama").supported_reply(reply, request()).choices[0].parts
    assert isinstance(part, ToolCall)
    assert part.chunks == (Pause(1.0), "{}")


def test_response_broken_in_a_call_has_no_finish() -> None:
    reply = Reply((Choice((ToolCall("f", ("{",)),), "tool_calls"),), failure=Failure("overloaded"))
    plan = chat("mistral").encode_stream(reply, request(stream=True), IDENTITY)
    assert all(b'"finish_reason":"tool_calls"' not in data for data, _ in events(plan))


def test_vendor_response_omits_redacted_thinking() -> None:
    reply = Reply((Choice((Thinking(("x",), redacted=True), Text(("y",)))),))
    assert chat("deepseek").supported_reply(reply, request()).choices[0].parts == (Text(("y",)),)


@vendors
@pytest.mark.parametrize(("text", "content"), [("Part of it.", "Part of it."), ("", None)])
def test_refusal_behind_a_text_leaves_the_text(vendor: Vendor, text: str, content: str | None) -> None:
    refused = Reply((Choice((Text((text,)), Refusal(("No.",))), "refusal"),))
    message = payload(chat(vendor.name).encode_body(refused, request(), IDENTITY))["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (content, "No.")


def test_perplexity_lists_each_cited_page_once() -> None:
    titled, bare = Citation("https://a.example", "A", "Oslo is"), Citation("https://b.example")
    reply = Reply((Choice((Text(("Oslo is wet.",), citations=(titled, bare, titled)),)),))
    dialect = chat("perplexity")
    whole = payload(dialect.encode_body(reply, request(), IDENTITY))
    streamed = payload(dialect.encode_stream(reply, request(stream=True), IDENTITY))
    for body in (whole, streamed):
        assert body["citations"] == ["https://a.example", "https://b.example"]
        shown = [(result["title"], result["snippet"]) for result in body["search_results"]]
        assert shown == [("A", "Oslo is"), ("https://b.example", "")]


def test_groq_usage_has_cached_and_reasoning_above_zero() -> None:
    reply = Reply((Choice((Text(("a",)),)),), Usage(9, 5, cache_read=3, reasoning=2))
    usage = payload(chat("groq").encode_body(reply, request(), IDENTITY))["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 3}
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 2}


ENVELOPES: dict[str, tuple[str, Failure, Json]] = {
    "Groq leaves out the parameter": (
        "groq",
        Failure("bad_request", message="No."),
        {"error": {"message": "No.", "type": "invalid_request_error"}},
    ),
    "Groq names parameter and code where there are some": (
        "groq",
        Failure("bad_request", message="No.", fields={"param": "n", "code": "c"}),
        {"error": {"message": "No.", "type": "invalid_request_error", "param": "n", "code": "c"}},
    ),
    "Mistral's gateway gives a detail": (
        "mistral",
        Failure("authentication"),
        {"detail": "Invalid API Key"},
    ),
    "Mistral's models give an object without an envelope": (
        "mistral",
        Failure("bad_request", message="No."),
        {
            "object": "error",
            "message": "No.",
            "type": "invalid_request_invalid_args",
            "param": None,
            "code": "3051",
            "raw_status_code": 400,
        },
    ),
    "Groq knows no such URL": (
        "groq",
        Failure("not_found"),
        {
            "error": {
                "message": "Unknown request URL: POST /. Please check the URL for typos, or see the docs at "
                "https://console.groq.com/docs/",
                "type": "invalid_request_error",
                "code": "unknown_url",
            }
        },
    ),
    "xAI's message is the error": (
        "xai",
        Failure("bad_request", message="No.", fields={"more": 1}),
        {"code": "invalid_request_error", "error": "No.", "more": 1},
    ),
    "vLLM's code is the status": (
        "vllm",
        Failure("model_not_found"),
        {
            "error": {
                "message": "The model `m` does not exist.",
                "type": "NotFoundError",
                "param": "model",
                "code": 404,
            }
        },
    ),
    "Gemini's is Google's, in a list of one": (
        "gemini",
        Failure("bad_request", message="No.", fields={"more": 1}),
        [{"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT", "more": 1}}],
    ),
    "Gemini tells in it when to try again": (
        "gemini",
        Failure("rate_limit", message="Wait.", retry_after=86399.944),
        [
            {
                "error": {
                    "code": 429,
                    "message": "Wait.",
                    "status": "RESOURCE_EXHAUSTED",
                    "details": [
                        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "86399.944s"}
                    ],
                }
            }
        ],
    ),
    "DeepSeek refuses an unknown model as a bad request": (
        "deepseek",
        Failure("model_not_found"),
        {
            "error": {
                "message": "The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you "
                "passed m.",
                "type": "invalid_request_error",
                "param": None,
                "code": "invalid_request_error",
            }
        },
    ),
    "Cerebras has no envelope": (
        "cerebras",
        Failure("rate_limit"),
        {
            "message": "Requests per minute limit exceeded - too many requests sent.",
            "type": "too_many_requests_error",
            "param": "quota",
            "code": "request_quota_exceeded",
        },
    ),
    "Hugging Face's router gives a text": (
        "huggingface",
        Failure("insufficient_quota", message="No credit."),
        {"error": "No credit."},
    ),
    "DeepSeek has a status of its own for an empty purse": (
        "deepseek",
        Failure("insufficient_quota"),
        {
            "error": {
                "message": "Insufficient Balance",
                "type": "unknown_error",
                "param": None,
                "code": "invalid_request_error",
            }
        },
    ),
}


@pytest.mark.parametrize(("vendor", "failure", "expected"), ENVELOPES.values(), ids=ENVELOPES.keys())
def test_error_has_the_vendors_envelope(vendor: str, failure: Failure, expected: Json) -> None:
    assert payload(chat(vendor).error(failure, request(), IDENTITY)) == expected


@pytest.mark.parametrize(("status", "stated"), [(None, 503), (400, 400)])
def test_groq_error_inside_a_stream_has_its_status(status: int | None, stated: int) -> None:
    failure = Failure("overloaded", status=status, fields={"code": "tool_use_failed"})
    broken = Reply((Choice((Text(("Yes",)),)),), failure=failure)
    error, event = list(events(chat("groq").encode_stream(broken, request(stream=True), IDENTITY)))[-1]
    assert (event, loads(error)["error"]["status_code"]) == ("error", stated)
    assert list(loads(error)["error"])[-2:] == ["code", "status_code"]


@pytest.mark.parametrize(("vendor", "status"), [("deepseek", 400), ("openrouter", 400), ("cerebras", 404)])
def test_unknown_model_has_the_vendors_status(vendor: str, status: int) -> None:
    plan = chat(vendor).error(Failure("model_not_found"), request(), IDENTITY)
    assert plan.head.status == status
    decoded = chat(vendor).decode(plan)
    assert decoded is not None
    assert "message" in decoded.error


def test_openrouter_names_the_model_that_it_does_not_know() -> None:
    error = payload(chat("openrouter").error(Failure("model_not_found"), request(), IDENTITY))["error"]
    assert error == {"message": "m is not a valid model ID", "code": 400}


def test_perplexity_error_has_no_param() -> None:
    error = payload(chat("perplexity").error(Failure("authentication"), request(), IDENTITY))["error"]
    assert (error.keys(), error["code"]) == ({"message", "type", "code"}, 401)


def test_cerebras_error_in_a_stream_has_an_envelope() -> None:
    broken = Reply((Choice((Text(("Yes",)),)),), failure=Failure("rate_limit"))
    error, _ = list(events(chat("cerebras").encode_stream(broken, request(stream=True), IDENTITY)))[-1]
    assert loads(error)["error"]["code"] == "request_quota_exceeded"


def test_openrouter_metadata_has_the_providers_message() -> None:
    limited = payload(chat("openrouter").error(Failure("rate_limit"), request(), IDENTITY))
    assert limited["error"]["metadata"]["provider_name"] == "OpenAI"
    wrong = payload(chat("openrouter").error(Failure("bad_request", message="No."), request(), IDENTITY))
    assert wrong["error"] == {"message": "No.", "code": 400}


def test_vendor_embeddings_have_the_vendors_members() -> None:
    for path, member in (("/mistral/v1/embeddings", "id"), ("/openrouter/api/v1/embeddings", "provider")):
        dialect, requested = route_request(path, {"model": "m", "input": "a"})
        plan = dialect.own_response(requested, IDENTITY)  # type: ignore[attr-defined]
        assert isinstance(plan, Plan)
        assert member in payload(plan)


def test_gemini_compatible_path_needs_no_prefix() -> None:
    for path in ("/v1beta/openai/chat/completions", "/gemini/v1beta/openai/chat/completions"):
        dialect, requested = route_request(path, HI)
        assert (dialect, requested.provider, requested.dialect) == (chat("gemini"), "gemini", "openai")
    dialect, requested = route_request("/v1beta/openai/embeddings", {"model": "m", "input": "a"})
    assert isinstance(plan := dialect.own_response(requested, IDENTITY), Plan)  # type: ignore[attr-defined]
    assert payload(plan).keys() == {"object", "data", "model"}
    match = find_route("GET", "/v1beta/openai/models/gemini-2.5-flash", {})
    assert isinstance(match, RouteMatch)
    assert (match.provider, match.dialect.name, match.dialect.api) == ("gemini", "openai", "models")


def test_gemini_compatible_call_has_no_index_and_stops() -> None:
    reply = Reply((Choice((ToolCall("f", ("{", "}")),), "tool_calls"),))
    plan = chat("gemini").encode_stream(reply, request(stream=True), IDENTITY)
    first, last = [loads(data)["choices"][0] for data, _ in events(plan) if data != b"[DONE]"]
    assert first["delta"]["tool_calls"][0].keys() == {"id", "type", "function"}
    assert "finish_reason" not in first
    assert last == {"index": 0, "delta": {"role": "assistant"}, "finish_reason": "stop"}
    assert (
        payload(chat("gemini").encode_body(reply, request(), IDENTITY))["choices"][0]["finish_reason"]
        == "tool_calls"
    )


def test_vendor_completions_are_openais_with_vendor_head() -> None:
    dialect, requested = route_request("/vllm/v1/completions", {"model": "m", "prompt": "hi"})
    generating: ReplyDialect = dialect  # type: ignore[assignment]
    reply = Reply((Choice((Text(("a", "b")),)),))
    body, streamed = (
        generating.encode_body(reply, requested, IDENTITY),
        generating.encode_stream(reply, requested, IDENTITY),
    )
    assert payload(body)["choices"][0]["text"] == "ab"
    texts = [loads(data)["choices"][0]["text"] for data, _ in events(streamed) if data != b"[DONE]"]
    assert texts == ["a", "b", ""]
    assert dict(streamed.head.headers) == {"content-type": "text/event-stream; charset=utf-8"}


def test_vendor_models_are_the_rules_models() -> None:
    match = find_route("GET", "/groq/openai/v1/models", {})
    assert isinstance(match, RouteMatch)
    listed: ModelsDialect = match.dialect  # type: ignore[assignment]
    request = match.dialect.request_class(method="GET", path="", headers={})
    plan = listed.own_response_from_models(("mine",), request, IDENTITY)
    assert isinstance(plan, Plan)
    assert payload(plan)["data"][0]["id"] == "mine"


def test_vendor_uuid_has_five_groups() -> None:
    assert [len(group) for group in VendorIdFormat().make(IDENTITY.ids, "").split("-")] == [8, 4, 4, 4, 12]
