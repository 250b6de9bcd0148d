"""Faults of tool calls, their arguments, and structured output."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.faults import FAULTS
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.reply.reply import (
    Refusal,
    Reply,
    Text,
    ToolCall,
    joined_text,
)
from mockllm.core.request.request import Request, Tool
from tests.core.faults.replies import (
    FIND,
    FORM,
    LOOK,
    OFFER,
    TEXT,
    THOUGHT,
    Requested,
    choice,
    is_json,
    reason,
    reply,
)

# --- calls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("how", ["invalid", "truncated"])
@pytest.mark.parametrize(
    "content", ['{"city":"Paris"}', "{}", "", "5", '["a"]', '"a"', '{"a":1,"b":{"c":"d"}}']
)
@pytest.mark.covering
def test_bad_tool_arguments_are_not_json(content: str, how: str, seed: int) -> None:
    (call,) = choice("bad_tool_arguments", reply(ToolCall("look", (content,))), how=how, seed=seed).tool_calls
    built = joined_text(call.chunks)
    assert not is_json(built) or (how, content) == ("truncated", "5")
    assert (call.name, call.id) == ("look", None)
    if how == "truncated":
        assert (content or "{}").startswith(built)


def test_bad_tool_arguments_mistake_is_drawn() -> None:
    built = {
        joined_text(choice("bad_tool_arguments", reply(LOOK), seed=seed).tool_calls[0].chunks)
        for seed in range(30)
    }
    assert built == {'{"city":"Paris",}', "{'city':'Paris'}", '{"city""Paris"}', '{"city":"Paris"};'}


def test_bad_tool_arguments_keep_chunk_boundaries() -> None:
    (call,) = choice("bad_tool_arguments", reply(LOOK), how="truncated").tool_calls
    assert call.chunks == ('{"city":',)


def test_unknown_tool_calls_a_tool_not_offered() -> None:
    (call,) = choice("unknown_tool", reply(LOOK)).tool_calls
    assert call == replace(LOOK, name="look_v2")
    (call,) = choice("unknown_tool", reply(LOOK), tool="delete_all").tool_calls
    assert call.name == "delete_all"


def test_unknown_tool_default_name_is_not_offered() -> None:
    (call,) = choice("unknown_tool", reply(LOOK), Requested(Tool("look"), Tool("look_v2"))).tool_calls
    assert call.name == "look_v2_v2"


@pytest.mark.parametrize("name", ["unknown_tool", "bad_tool_arguments"])
def test_call_fault_breaks_one_of_several_calls(name: str) -> None:
    content = reply(TEXT, LOOK, FIND)
    assert choice(name, content, call=2).parts[:2] == (TEXT, LOOK)
    assert choice(name, content, call=2).parts[2] != FIND
    changed = choice(name, content).parts
    assert changed[0] == TEXT
    assert (changed[1] != LOOK, changed[2] != FIND) == (True, True)


@pytest.mark.parametrize(
    ("name", "content", "settings", "why"),
    [
        pytest.param("unknown_tool", reply(TEXT), {}, "the response calls no tool", id="no call"),
        pytest.param(
            "bad_tool_arguments", reply(TEXT), {"call": 1}, "the response calls no tool", id="no first call"
        ),
        pytest.param(
            "unknown_tool", reply(LOOK), {"call": 2}, "the response has only 1 call", id="no second call"
        ),
        pytest.param(
            "unknown_tool",
            reply(LOOK, FIND),
            {"call": 3},
            "the response has only 2 calls",
            id="no third call",
        ),
        pytest.param(
            "unknown_tool",
            reply(LOOK),
            {"tool": "find"},
            "the request offers a tool called find",
            id="a name that is offered",
        ),
        pytest.param(
            "bad_tool_arguments",
            reply(ToolCall("look", ("{",))),
            {},
            "the arguments of look are not JSON already",
            id="broken already",
        ),
        pytest.param(
            "bad_tool_arguments",
            reply(ToolCall("say", ("hello",))),
            {},
            "say takes free text, which is never invalid",
            id="free text",
        ),
        pytest.param("unknown_tool", Reply(()), {}, "the response calls no tool", id="no choice"),
    ],
)
def test_call_fault_without_suitable_call_has_reason(
    name: str, content: Reply, settings: dict[str, Any], why: str
) -> None:
    assert reason(name, content, **settings) == why


# --- schemas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "built"),
    [("any", {}), ("missing", {}), ("type", {"city": 7})],
)
def test_wrong_schema_arguments_violate_tool_schema(how: str, built: Json) -> None:
    (call,) = choice("wrong_schema", reply(LOOK), how=how).tool_calls
    assert loads(joined_text(call.chunks)) == built


@pytest.mark.parametrize("streamed", [True, False])
def test_wrong_schema_text_violates_response_schema(streamed: bool) -> None:
    content = reply(THOUGHT, Text(('{"city":', '"Paris"}'), tokens=2))
    assert choice("wrong_schema", content, FORM, how="type", streamed=streamed).parts == (
        THOUGHT,
        Text(('{"city":', "7}")),
    )


def test_wrong_schema_breaks_the_non_streaming_text() -> None:
    content = reply(Text(("no", " json"), whole=dumps({"city": "Rome"}).decode()))
    assert choice("wrong_schema", content, FORM, streamed=False).text == "{}"
    assert reason("wrong_schema", content, FORM) == "the text is not JSON"


@pytest.mark.parametrize(
    ("content", "request_", "settings", "why"),
    [
        pytest.param(
            reply(TEXT),
            OFFER,
            {},
            "the response calls no tool, and the request has no schema for it",
            id="text",
        ),
        pytest.param(reply(TEXT), FORM, {}, "the text is not JSON", id="no JSON"),
        pytest.param(reply(Refusal(("No",))), FORM, {}, "the response has no text", id="no text"),
        pytest.param(
            reply(Text(("{}",))), FORM, {}, "the text violates the schema already", id="a text that breaks it"
        ),
        pytest.param(
            reply(ToolCall("look", ("",))),
            OFFER,
            {},
            "the arguments of look violate the schema already",
            id="empty arguments",
        ),
        pytest.param(
            reply(ToolCall("look", ("{",))), OFFER, {}, "the arguments of look are not JSON", id="broken ones"
        ),
        pytest.param(
            reply(LOOK),
            OFFER,
            {"how": "extra"},
            "the schema forbids nothing of this kind (extra)",
            id="not this way",
        ),
        pytest.param(
            reply(LOOK), Requested(Tool("look", True)), {}, "the schema forbids nothing", id="a schema of all"
        ),
        pytest.param(
            reply(ToolCall("nope", ("{}",))),
            OFFER,
            {},
            "the request has no schema for nope",
            id="an unknown tool",
        ),
        pytest.param(
            reply(ToolCall("free", ("{}",))), OFFER, {}, "the request has no schema for free", id="no schema"
        ),
        pytest.param(
            reply(ToolCall("say", ("a",))), OFFER, {}, "the request has no schema for say", id="free text"
        ),
        pytest.param(
            reply(LOOK),
            Requested(Tool("look", {"pattern": "("})),
            {},
            "the schema cannot be used",
            id="a bad schema",
        ),
        pytest.param(
            reply(LOOK),
            Requested(Tool("look", {"pattern": r"^(\w{1,500}){500}$"})),
            {},
            "Generating a violation for the arguments of look from the schema in the request takes more than",
            id="a schema that is too much work",
        ),
    ],
)
def test_wrong_schema_without_schema_or_json_has_reason(
    content: Reply, request_: Request, settings: dict[str, Any], why: str
) -> None:
    assert reason("wrong_schema", content, request_, **settings).startswith(why)


@pytest.mark.parametrize("name", ["bad_tool_arguments", "unknown_tool"])
def test_call_fault_needs_call(name: str) -> None:
    assert FAULTS[name]().needs == "call"
