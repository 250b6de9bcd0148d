"""The form of a response object by the family of its model, as it was recorded in July and August 2026."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.reply.reply import Citation, NativePart, Part, Refusal, Text, Thinking, ToolCall
from mockllm.dialects.openai.model_families import RESPONSES_FAMILIES, SNAPSHOTS, responses_family
from mockllm.dialects.openai.responses.dialect import RESPONSES
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.openai.responses.responses_requests import responses
from tests.dialects.openai.responses.test_openai_responses import HI, body_of_reply, reply_of

REASONS: Json = {"context": "current_turn", "effort": "medium", "summary": None, "mode": "standard"}
FORMS: Mapping[str, tuple[Json, str]] = {
    "gpt-4o": ({"context": None, "effort": None, "summary": None}, "in_memory"),
    "gpt-4.1-nano": ({"context": None, "effort": None, "summary": None}, "in_memory"),
    "my-model": ({"context": None, "effort": None, "summary": None}, "in_memory"),
    "o3": (REASONS, "in_memory"),
    "o4-mini-2025-04-16": (REASONS, "in_memory"),
    "gpt-5": (REASONS, "in_memory"),
    "gpt-5-2025-08-07": (REASONS, "in_memory"),
    "gpt-5-pro": ({**REASONS, "effort": "high"}, "in_memory"),
    "gpt-5.2": ({**REASONS, "effort": "none"}, "24h"),
    "gpt-5.4-nano": ({**REASONS, "effort": "none"}, "24h"),
    "gpt-5.5": (REASONS, "24h"),
    "gpt-5.6-sol": ({**REASONS, "context": "all_turns"}, "24h"),
}
"""Reasoning and retention of a request that names neither: as recorded in July and August 2026."""


@pytest.mark.parametrize("model", FORMS)
def test_response_form_follows_the_model_family(model: str) -> None:
    body = body_of_reply(HI, model=model)
    assert (body["reasoning"], body["prompt_cache_retention"]) == FORMS[model]
    assert body["moderation"] is None
    assert body["tool_usage"]["web_search"] == {"num_requests": 0}


def test_phase_and_top_p_follow_the_model_family() -> None:
    assert body_of_reply(HI, model="gpt-5.6")["output"][0]["phase"] == "final_answer"
    assert body_of_reply(HI, model="gpt-5.3-codex")["output"][0]["phase"] == "final_answer"
    assert "phase" not in body_of_reply(HI, model="gpt-4o")["output"][0]
    assert (body_of_reply(HI, model="o3")["top_p"], body_of_reply(HI, model="gpt-5.5")["top_p"]) == (
        1.0,
        0.98,
    )


def test_automatic_context_is_that_of_the_family() -> None:
    assert body_of_reply(HI, model="gpt-5.6", reasoning={"context": "auto"})["reasoning"] == {
        **REASONS,
        "context": "all_turns",
    }


def test_cache_options_are_echoed_where_they_are_sent() -> None:
    options = {"mode": "explicit", "ttl": "30m"}
    body = body_of_reply(HI, model="gpt-5.6", prompt_cache_options=options)
    assert body["prompt_cache_options"] == options
    names = [*body]
    assert names[names.index("prompt_cache_options") - 1] == "prompt_cache_key"
    assert "prompt_cache_options" not in body_of_reply(HI, model="gpt-5.6")


def test_reasoning_is_always_encrypted() -> None:
    for model in ("o3", "gpt-5", "gpt-5-mini"):
        item = body_of_reply(reply_of(Thinking(("a",))), model=model)["output"][0]
        assert item["encrypted_content"].startswith("gAAAAAB")
        assert item["content"] == []
    signed = body_of_reply(reply_of(Thinking(("a",), "own")), model="o3")["output"][0]
    assert signed["encrypted_content"] == "own"


def test_alias_and_snapshot_have_one_form() -> None:
    assert {
        alias for alias, dated in SNAPSHOTS.items() if responses_family(alias) != responses_family(dated)
    } == set()
    assert RESPONSES_FAMILIES[-1][0] == "*"


def test_gpt_6_has_the_form_of_gpt_5_6() -> None:
    assert responses_family("gpt-6.2-astra") == responses_family("gpt-5.6-terra") != responses_family("x")


PARTS: tuple[Part, ...] = (
    Text(("Hi", "!"), citations=(Citation("https://x"),)),
    Refusal(("No",)),
    Thinking(("Hm",)),
    ToolCall("f", ("{}",)),
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_members_of_an_event_are_in_alphabetical_order(part: Part) -> None:
    plan = RESPONSES.encode_stream(reply_of(part), responses(model="gpt-5", stream=True), IDENTITY)
    orders = [[*loads(data)] for data, _ in events(plan)]
    assert [["type", *sorted(order[1:])] for order in orders] == orders


def test_function_and_reasoning_are_echoed_in_the_live_order() -> None:
    body = body_of_reply(HI, model="gpt-5", tools=[{"type": "function", "name": "f"}])
    assert [*body["tools"][0]] == ["type", "description", "name", "output_schema", "parameters", "strict"]
    assert [*body["reasoning"]] == ["context", "effort", "mode", "summary"]


def test_access_of_a_search_is_not_echoed() -> None:
    tool: Json = {"type": "web_search", "external_web_access": False, "search_context_size": "low"}
    echoed = body_of_reply(HI, model="gpt-4.1", tools=[tool])["tools"][0]
    assert "external_web_access" not in echoed
    assert (echoed["search_context_size"], echoed["return_token_budget"]) == ("low", "default")


@pytest.mark.parametrize(("model", "action"), [("gpt-4.1", {"type": "search"}), ("gpt-5.2", None)])
def test_search_acts_at_once_where_no_model_thinks(model: str, action: Json) -> None:
    search = {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}}
    reply = reply_of(NativePart("openai", search))
    plan = RESPONSES.encode_stream(reply, responses(model=model, stream=True), IDENTITY)
    added = loads(next(data for data, name in events(plan) if name == "response.output_item.added"))
    assert added["item"].get("action") == action


LATE_TOOLS: Json = [
    {"type": "tool_search"},
    {"type": "function", "name": "plain"},
    {"type": "function", "name": "late", "defer_loading": True},
    {"type": "custom", "name": "sql", "defer_loading": True},
    {"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "find"}, 7]},
    {"type": "namespace", "name": "erp", "defer_loading": True, "tools": [{"type": "custom", "name": "run"}]},
]


def test_loaded_function_is_echoed_as_a_namespace() -> None:
    function: Json = {"type": "function", "name": "late", "description": "Well.", "parameters": {}}
    tools: Json = [
        {"type": "tool_search"},
        {**function, "defer_loading": True},
        {"type": "function", "name": "f"},
    ]
    loaded: Json = {
        "type": "tool_search_output",
        "call_id": None,
        "tools": [function, 7],
        "execution": "server",
    }
    before = body_of_reply(HI, tools=tools)["tools"]
    assert [tool["type"] for tool in before] == ["function", "function", "tool_search"]
    assert before[0]["defer_loading"] is True
    after = body_of_reply(HI, tools=tools, input=[loaded])["tools"]
    assert [tool["type"] for tool in after] == ["function", "tool_search", "namespace"]
    assert after[2] == {
        "type": "namespace",
        "description": "Well.",
        "name": "late",
        "tools": [{**function, "output_schema": None, "strict": True}],
    }
    keys = {RESPONSES.encoding_key(responses(tools=tools, input=input)) for input in ("hi", [loaded])}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("model", "types", "namespace"),
    [
        ("gpt-5.4", ["function", "tool_search", "namespace"], "late"),
        ("gpt-5.6", ["function", "function", "tool_search"], None),
    ],
)
def test_added_function_is_echoed(model: str, types: list[str], namespace: str | None) -> None:
    late: Json = {"type": "function", "name": "late", "parameters": {}}
    added: Json = {"type": "additional_tools", "role": "developer", "tools": [late, 7]}
    tools: Json = [
        {"type": "tool_search"},
        {**late, "defer_loading": True},
        {"type": "function", "name": "f"},
    ]
    body = body_of_reply(reply_of(ToolCall("late", ("{}",))), model=model, tools=tools, input=[added])
    assert [tool["type"] for tool in body["tools"]] == types
    assert not any("defer_loading" in tool for tool in body["tools"])
    assert body["output"][0].get("namespace") == namespace


def turn_items(provider: str, turn: Json) -> list[dict[str, Json]]:
    """Return the items in the stream of a turn that a client names."""
    reply = reply_of(
        Thinking(("Hm.",)), Text(("Hi",)), ToolCall("f", ("{}",)), NativePart("openai", {"type": "own"})
    )
    request = responses(model="gpt-5.3-codex", stream=True, client_metadata=turn)
    request.provider = provider
    plan = RESPONSES.encode_stream(reply, request, IDENTITY)
    return [loads(data)["item"] for data, event in events(plan) if "output_item" in str(event)]


def test_items_have_the_id_of_the_clients_turn() -> None:
    turn = {"turn_id": "t1"}
    items = turn_items("openai", turn)
    assert [item["metadata"] for item in items] == [turn] * 8
    passed = [item["internal_chat_message_metadata_passthrough"] for item in items]
    assert [turn for item in passed if "create_time" not in item] == [turn] * 7
    assert passed[3].keys() == {"create_time", "turn_id"}


@pytest.mark.parametrize(
    ("provider", "turn"),
    [
        ("openai", {"turn_id": 7}),
        ("openai", None),
        *((provider, {"turn_id": "t1"}) for provider in ("azure", "deepseek", "groq", "vllm", "xai")),
    ],
)
def test_other_items_have_no_turn(provider: str, turn: Json) -> None:
    members = {name for item in turn_items(provider, turn) for name in item}
    assert members.isdisjoint({"internal_chat_message_metadata_passthrough", "metadata"})


def test_tools_of_a_namespace_have_defaults() -> None:
    (crm,) = (tool for tool in body_of_reply(HI, tools=LATE_TOOLS)["tools"] if tool.get("name") == "crm")
    assert [(tool["name"], tool["output_schema"]) for tool in crm["tools"]] == [("find", None)]


@pytest.mark.parametrize(
    ("name", "namespace"),
    [("plain", None), ("late", "late"), ("find", "crm"), ("sql", "sql"), ("run", "erp")],
)
def test_call_of_a_searched_tool_names_its_namespace(name: str, namespace: str | None) -> None:
    reply = reply_of(ToolCall(name, ("{}",)))
    assert body_of_reply(reply, tools=LATE_TOOLS)["output"][0].get("namespace") == namespace
    plan = RESPONSES.encode_stream(reply, responses(tools=LATE_TOOLS, stream=True), IDENTITY)
    items = [loads(data)["item"] for data, event in events(plan) if "output_item" in str(event)]
    assert [item.get("namespace") for item in items] == [namespace, namespace]
