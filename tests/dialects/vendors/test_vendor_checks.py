"""Requests that a vendor accepts and OpenAI refuses, or that OpenAI accepts and a vendor refuses."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, dumps
from tests.dialects.vendors.test_vendor_calls import IDENTITY, payload, route_request

REASONING: Json = {"type": "reasoning", "id": "rs_1", "summary": []}
ASSISTANT: Json = {"role": "assistant", "content": "x"}
USER: Json = {"role": "user", "content": "hi"}


@pytest.mark.parametrize("vendor", ["deepseek", "xai/v1", "openrouter/api/v1"])
def test_reasoning_before_a_message_without_an_id_is_accepted(vendor: str) -> None:
    dialect, request = route_request(
        f"/{vendor}/responses", {"model": "m", "input": [REASONING, ASSISTANT, USER]}
    )
    assert dialect.check(request) is None


CHOSEN: Json = {"function": {"name": "look"}}
TOOLS: Json = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
ROUTER = ("/huggingface/v1", "/huggingface/together/v1", "/huggingface/novita/v3/openai")


@pytest.mark.parametrize("base", ROUTER)
def test_huggingface_accepts_a_chosen_function_without_a_type(base: str) -> None:
    body: Json = {"model": "m", "messages": [USER], "tools": TOOLS, "tool_choice": CHOSEN}
    dialect, request = route_request(f"{base}/chat/completions", body)
    assert dialect.check(request) is None
    refused: tuple[Json, ...] = ({"function": {}}, {"function": {"name": "other"}}, {})
    for wrong in refused:
        dialect, request = route_request(f"{base}/chat/completions", {**body, "tool_choice": wrong})
        assert dialect.check(request) is not None


def test_other_vendors_need_the_type_of_a_chosen_function() -> None:
    body: Json = {"model": "m", "messages": [USER], "tools": TOOLS, "tool_choice": CHOSEN}
    dialect, request = route_request("/together/v1/chat/completions", body)
    assert dialect.check(request) is not None


def call(id: str) -> Json:
    return {"type": "function_call", "call_id": id, "name": "look", "arguments": "{}"}


def output(id: str) -> Json:
    return {"type": "function_call_output", "call_id": id, "output": "x"}


@pytest.mark.parametrize(
    "items",
    [
        [USER, call("a")],
        [USER, call("a"), call("b"), output("b"), USER],
        [ASSISTANT, call("a"), ASSISTANT, call("b"), output("a"), output("b"), USER],
    ],
    ids=["last", "first of two", "interleaved"],
)
def test_deepseek_refuses_a_call_without_its_output(items: list[Json]) -> None:
    dialect, request = route_request("/deepseek/responses", {"model": "m", "input": items})
    failure = dialect.check(request)
    assert failure is not None
    plan = dialect.error(failure, request, IDENTITY)
    assert (plan.head.status, dict(plan.head.headers)["content-type"]) == (400, "application/octet-stream")
    assert payload(plan)["error"] == {
        "message": "No tool output found for tool call a.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_request_error",
    }


@pytest.mark.parametrize(
    "items",
    [
        [REASONING, call("a"), call("b"), output("a"), output("b"), USER],
        [call("a"), output("a"), ASSISTANT, call("b"), output("b")],
    ],
    ids=["parallel", "in turn"],
)
def test_deepseek_accepts_calls_with_outputs(items: list[Json]) -> None:
    dialect, request = route_request("/deepseek/responses", {"model": "m", "input": items})
    assert dialect.check(request) is None


def test_other_vendors_accept_outputs_behind_another_message() -> None:
    items: list[Json] = [ASSISTANT, call("a"), ASSISTANT, call("b"), output("a"), output("b"), USER]
    dialect, request = route_request("/xai/v1/responses", {"model": "m", "input": items})
    assert dialect.check(request) is None


@pytest.mark.parametrize(
    ("base", "choice", "tools", "passes"),
    [
        ("together/v1", "auto", TOOLS, True),
        ("together/v1", "auto", None, False),
        ("together/v1", {"name": "look"}, TOOLS, False),
        ("groq/openai/v1", "auto", TOOLS, False),
    ],
)
def test_together_accepts_a_legacy_auto_beside_tools(
    base: str, choice: Json, tools: Json, passes: bool
) -> None:
    body: Json = {"model": "m", "messages": [USER], "tools": tools, "function_call": choice}
    dialect, request = route_request(f"/{base}/chat/completions", body)
    assert (dialect.check(request) is None) is passes


def test_responses_of_vendor_accept_few_tokens() -> None:
    dialect, request = route_request(
        "/xai/v1/responses", {"model": "m", "input": "hi", "max_output_tokens": 3}
    )
    assert dialect.check(request) is None


SCHEMA: Json = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
OWN_FORMS: list[tuple[str, Json]] = [
    ("groq/openai/v1", {"service_tier": "on_demand"}),
    ("groq/openai/v1", {"reasoning_effort": "default"}),
    ("openrouter/api/v1", {"tools": [*TOOLS, {"type": "openrouter:web_search"}]}),
    ("openrouter/api/v1", {"tools": [{"type": "openrouter:web_search"}], "tool_choice": "auto"}),
    ("perplexity", {"response_format": SCHEMA}),
    ("together/v1", {"response_format": {"type": "json_schema", "schema": {"type": "object"}}}),
    ("together/v1", {"logprobs": 2}),
]


@pytest.mark.parametrize(("base", "fields"), OWN_FORMS)
def test_own_fields_of_a_vendor_are_accepted_there_alone(base: str, fields: Json) -> None:
    for vendor, passes in ((base, True), ("deepseek", False)):
        dialect, request = route_request(
            f"/{vendor}/chat/completions", {"model": "m", "messages": [USER], **fields}
        )
        assert (dialect.check(request) is None) is passes


@pytest.mark.parametrize(
    ("base", "kind"),
    [
        ("openrouter/api/v1", "video_url"),
        ("together/v1", "video_url"),
        ("perplexity", "file_url"),
        ("perplexity", "pdf_url"),
    ],
)
def test_own_parts_of_a_vendor_are_accepted_there_alone(base: str, kind: str) -> None:
    parts: Json = [{"type": kind, kind: {"url": "https://localhost/a"}}]
    for vendor, passes in ((base, True), ("cerebras/v1", False)):
        body: Json = {"model": "m", "messages": [{"role": "user", "content": parts}]}
        dialect, request = route_request(f"/{vendor}/chat/completions", body)
        assert (dialect.check(request) is None) is passes


@pytest.mark.parametrize(("name", "passes"), [("", True), (0, False)])
def test_cerebras_accepts_a_schema_without_a_name(name: Json, passes: bool) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": name, "schema": {"type": "object"}}}
    body: Json = {"model": "m", "messages": [USER], "response_format": wanted}
    dialect, request = route_request("/cerebras/v1/chat/completions", body)
    assert (dialect.check(request) is None) is passes


PARTS: Json = [
    {"type": "text", "text": "hi"},
    {"type": "image_url", "image_url": {"url": "https://localhost/a"}},
]


def deepseek_refusal(body: dict[str, Json], base: str = "deepseek") -> Json:
    dialect, request = route_request(f"/{base}/chat/completions", body)
    failure = dialect.check(request)
    return failure and payload(dialect.error(failure, request, IDENTITY))["error"]


def test_deepseek_refuses_a_part_that_is_no_text() -> None:
    """Recorded in August 2026: the column is that of the end of the messages."""
    body: dict[str, Json] = {"model": "m", "messages": [USER, {"role": "user", "content": PARTS}]}
    column = len(dumps(body)) - 1
    assert deepseek_refusal({**body, "max_tokens": 1}) == {
        "message": "Failed to deserialize the JSON body into the target type: messages[1]: unknown variant "
        f"`image_url`, expected `text` at line 1 column {column}",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_request_error",
    }
    assert deepseek_refusal(body, "together/v1") is None
    assert deepseek_refusal({**body, "messages": [{"role": "user", "content": PARTS[:1]}]}) is None


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look"}}])
def test_deepseek_refuses_a_forced_call_while_it_thinks(choice: Json) -> None:
    """Recorded in August 2026."""
    body: dict[str, Json] = {"model": "m", "messages": [USER], "tools": TOOLS, "tool_choice": choice}
    refusal = deepseek_refusal({**body, "thinking": {"type": "enabled"}})
    assert refusal["message"] == "Thinking mode does not support this tool_choice"
    assert deepseek_refusal({**body, "thinking": {"type": "disabled"}}) is None
    assert deepseek_refusal({**body, "tool_choice": "auto", "thinking": {"type": "enabled"}}) is None


@pytest.mark.parametrize(("model", "thinks"), [("deepseek-v4-flash", True), ("deepseek-chat", False)])
def test_deepseek_v4_thinks_by_default(model: str, thinks: bool) -> None:
    body: dict[str, Json] = {"messages": [USER], "tools": TOOLS, "tool_choice": "required"}
    assert (deepseek_refusal({"model": model, **body}) is not None) is thinks
    assert deepseek_refusal({"model": model, **body, "thinking": {"type": "disabled"}}) is None


def mistral_refusal(call: str, fields: dict[str, Json]) -> Json:
    dialect, request = route_request(f"/mistral/v1/{call}", {"model": "mistral-small-latest", **fields})
    failure = dialect.check(request)
    return failure and payload(dialect.error(failure, request, IDENTITY))


def test_mistral_refuses_probabilities() -> None:
    """Recorded in August 2026."""
    body: dict[str, Json] = {"messages": [USER]}
    refusal = mistral_refusal("chat/completions", {**body, "logprobs": True})
    assert (refusal["type"], refusal["code"]) == ("invalid_request_invalid_args", "3051")
    assert refusal["raw_status_code"] == 400
    assert mistral_refusal("chat/completions", {**body, "logprobs": False}) is None


def test_mistral_refuses_more_than_256_inputs() -> None:
    """Recorded in August 2026."""
    refusal = mistral_refusal("embeddings", {"input": ["a"] * 257})
    assert (refusal["type"], refusal["code"]) == ("invalid_request_prompt", "3210")
    assert mistral_refusal("embeddings", {"input": ["a"] * 256}) is None
    assert mistral_refusal("embeddings", {"input": "a"}) is None
    assert mistral_refusal("embeddings", {"input": 1})["code"] != "3210"
