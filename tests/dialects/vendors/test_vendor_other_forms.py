"""Forms of single vendors: Together's legacy completions, Cohere's embeddings at Azure."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Choice, Finish, Reply, Text, ToolCall, Usage
from mockllm.dialects.azure import provider as azure
from mockllm.dialects.openai.completions_request import CompletionsRequest
from mockllm.dialects.openai.models import OpenAiModels, OpenAiModelsRequest
from mockllm.dialects.providers import generating_dialect
from mockllm.dialects.vendors.responses import VendorCompletions
from tests.compatible import vendor_dialect
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.openai.responses.responses_requests import responses


def completions(vendor: str) -> VendorCompletions:
    dialect = vendor_dialect(vendor, "completions")
    assert isinstance(dialect, VendorCompletions)
    return dialect


def completions_request(**fields: Json) -> CompletionsRequest:
    raw = dumps({"model": "m", "prompt": "p", **fields})
    return CompletionsRequest(method="POST", path="/v1/completions", headers={}, raw=raw)


def event_payloads(plan: Plan) -> list[Json]:
    return [loads(data) for data, _ in events(plan) if data != b"[DONE]"]


COUNTED = Usage(3, 2)


def make_reply(finish: Finish = "stop", usage: Usage = COUNTED) -> Reply:
    return Reply((Choice((Text(("Hel", "lo")),), finish),), usage)


@pytest.mark.parametrize("counted", [None, True])
def test_together_stream_has_both_forms_and_usage_at_end(counted: Json) -> None:
    options: Json = None if counted is None else {"include_usage": True}
    plan = completions("together").encode_stream(
        make_reply(), completions_request(stream=True, stream_options=options), IDENTITY
    )
    first, _, last = event_payloads(plan)
    assert (first["object"], first["usage"], len(first["id"])) == ("completion.chunk", None, 16)
    assert first["choices"] == [
        {
            "text": "Hel",
            "index": 0,
            "logprobs": None,
            "finish_reason": None,
            "seed": None,
            "delta": {"token_id": 1588, "role": "assistant", "content": "Hel"},
        }
    ]
    assert last["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert (last["choices"][0]["finish_reason"], last["choices"][0]["text"]) == ("eos", "")


def test_together_truncated_text_has_finish_length() -> None:
    last = event_payloads(
        completions("together").encode_stream(
            make_reply("length"), completions_request(stream=True), IDENTITY
        )
    )[-1]
    assert last["choices"][0]["finish_reason"] == "length"


def test_together_stream_without_usage_on_fault() -> None:
    missing = Usage(3, 2, presence="missing")
    last = event_payloads(
        completions("together").encode_stream(
            make_reply(usage=missing), completions_request(stream=True), IDENTITY
        )
    )[-1]
    assert "usage" not in last


def test_together_body_has_its_finish_and_a_seed() -> None:
    (result,) = event_payloads(
        completions("together").encode_body(make_reply(), completions_request(), IDENTITY)
    )
    (choice,) = result["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("Hello", "eos")
    assert choice["seed"] > 0
    assert "delta" not in choice
    assert result["usage"]["total_tokens"] == 5


def test_other_vendors_completions_equal_openais() -> None:
    options: Json = {"include_usage": True}
    chunks = event_payloads(
        completions("groq").encode_stream(
            make_reply(), completions_request(stream=True, stream_options=options), IDENTITY
        )
    )
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 5


CALL = ToolCall("f", ("{", "}"), "0")


@pytest.mark.parametrize(
    ("vendor", "listed"),
    [("groq", ["mine", "llama-3.3-70b-versatile"]), ("vllm", ["mine", "meta-llama/Llama-3.1-8B-Instruct"])],
)
def test_vendor_lists_rule_models_and_its_own_model(vendor: str, listed: list[str]) -> None:
    models = vendor_dialect(vendor, "models")
    assert isinstance(models, OpenAiModels)
    request = OpenAiModelsRequest(method="GET", path="/v1/models", headers={})
    plan = models.own_response_from_models(["mine"], request, IDENTITY)
    assert isinstance(plan, Plan)
    assert [item["id"] for item in event_payloads(plan)[0]["data"]] == listed
    assert not any(name.startswith("openai-") for name, _ in plan.head.headers)


def test_azure_lists_openai_models() -> None:
    request = OpenAiModelsRequest(method="GET", path="/", headers={})
    plan = azure.MODELS.own_response_from_models((), request, IDENTITY)
    assert isinstance(plan, Plan)
    assert "gpt-4o" in [item["id"] for item in event_payloads(plan)[0]["data"]]


@pytest.mark.parametrize("model", ["Cohere-embed-v3-english", "text-embedding-3-small"])
def test_cohere_embeddings_at_azure_have_an_id(model: str) -> None:
    dialect = azure.EMBEDDINGS
    raw = dumps({"model": model, "input": "hi"})
    request = dialect.request_class(method="POST", path="/openai/v1/embeddings", headers={}, raw=raw)
    plan = dialect.own_response(request, IDENTITY)
    assert isinstance(plan, Plan)
    (result,) = event_payloads(plan)
    coheres = model.startswith("Cohere")
    assert ("id" in result) is coheres
    assert result["usage"].get("completion_tokens") == (0 if coheres else None)


@pytest.mark.parametrize(
    ("vendor", "search", "echoed"),
    [
        ("xai", {}, {"search_context_size": "medium"}),
        ("deepseek", {}, {"search_context_size": None, "user_location": None}),
        (
            "deepseek",
            {"search_context_size": "high"},
            {"search_context_size": "high", "user_location": None},
        ),
        (
            "xai",
            {"user_location": {"country": "DE"}},
            {"search_context_size": "medium", "user_location": {"country": "DE"}},
        ),
    ],
)
def test_search_is_echoed_with_the_vendors_own_defaults(vendor: str, search: Json, echoed: Json) -> None:
    dialect = generating_dialect(vendor, "responses")
    assert dialect is not None
    request = responses(tools=[{"type": "web_search", **search}])
    (step,) = dialect.encode_body(make_reply(), request, IDENTITY).steps
    assert isinstance(step, EventStep)
    assert loads(step.payload)["tools"] == [{"type": "web_search", **echoed}]
