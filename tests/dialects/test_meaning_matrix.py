"""Every fault of meaning in every protocol, streamed and whole: the fields that each provider's client would see.

One reading of each wire, and one table of what stands there: both the stream and the whole answer must say it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from mockllm.core.faults import FAULTS, NotPlayed, ReplyFault, Telling
from mockllm.core.faults import meaning as family
from mockllm.core.json import Json, JSONDecodeError, dumps, loads
from mockllm.core.plan import Plan
from mockllm.core.reply import Call, Choice, Reply, Text, Usage
from mockllm.core.request import Format, Tool
from mockllm.dialects.asking import Wish
from mockllm.dialects.dialect import Generating
from mockllm.dialects.hearing import payloads
from mockllm.dialects.registry import SPOKEN
from tests.dialects.test_asking_and_hearing import CALLS, NAMES, STAMP, asked

SCHEMA: Json = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
USAGE = Usage(20, 8)
SAYS = Reply((Choice((Text(("Half", " said", " is", " said.")),)),), USAGE)
"""Eighteen characters: half of them are `Half said`."""
LOOKS = Reply((Choice((Call("look", ('{"city":', '"Paris"}')),), "tool_calls"),), USAGE)
FORMED = Reply((Choice((Text(('{"city":', '"Paris"}')),)),), USAGE)
ABSENT: Any = "not there"

dialects = pytest.mark.parametrize(
    ("provider", "dialect"), SPOKEN, ids=[f"{provider}-{call.api}" for provider, call in SPOKEN]
)
streaming = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def played(dialect: Generating, said: Reply, name: str, *, stream: bool, **settings: Any) -> Plan | NotPlayed:
    """What goes on the wire with the fault in it, as the engine plays it."""
    structured = Format("schema", "city", SCHEMA) if said is FORMED else None
    wish = Wish(tools=(Tool("look", SCHEMA),) if said is LOOKS else (), response_format=structured)
    request = asked(dialect, replace(wish, stream=stream))

    def plan(shown: Reply) -> Plan:
        return (dialect.stream if stream else dialect.whole)(shown, request, STAMP)

    fault = FAULTS[name].model_validate(settings)
    assert isinstance(fault, ReplyFault)
    telling = Telling(request, stream, Random(0), plan)
    made = fault.tell(dialect.sayable(said, request) if fault.shown else said, telling)
    if isinstance(made, NotPlayed):
        return made
    return plan(made if fault.shown else dialect.sayable(made, request))


# --- readings ------------------------------------------------------------------------------------


def read_chat(plan: Plan) -> dict[str, Any]:
    """`usage` is what the last chunk tells."""
    seen: dict[str, Any] = {"content": "", "refusal": "", "calls": [], "usage": ABSENT, "filter": ABSENT}
    for body in payloads(plan):
        seen["usage"] = body.get("usage", ABSENT)
        for choice in body["choices"]:
            said = choice.get("delta", choice.get("message"))
            seen["finish_reason"] = choice.get("finish_reason") or seen.get("finish_reason")
            seen["filter"] = choice.get("content_filter_results", ABSENT)
            seen["content"] += said.get("content") or ""
            seen["refusal"] += said.get("refusal") or ""
            for place, call in enumerate(said.get("tool_calls") or ()):
                if call["function"].get("name"):
                    seen["calls"].append([call["function"]["name"], call["function"].get("arguments", "")])
                else:
                    seen["calls"][call.get("index", place)][1] += call["function"]["arguments"]
    return seen


def read_responses(plan: Plan) -> dict[str, Any]:
    """The response that a stream ends with is the whole of it."""
    *_, last = payloads(plan)
    made = last.get("response", last)
    return {
        "status": made["status"],
        "reason": (made["incomplete_details"] or {}).get("reason"),
        "items": [
            (
                item["type"],
                item["status"],
                [part.get("text", part.get("refusal")) for part in item["content"]],
            )
            if item["type"] == "message"
            else (item["type"], item["name"], item["arguments"])
            for item in made["output"]
        ],
        "kinds": [part["type"] for item in made["output"] for part in item.get("content") or ()],
        "usage": made.get("usage", ABSENT),
    }


def read_completions(plan: Plan) -> dict[str, Any]:
    seen: dict[str, Any] = {"text": "", "usage": ABSENT}
    for body in payloads(plan):
        for choice in body["choices"]:
            seen["text"] += choice["text"]
            seen["finish_reason"] = choice["finish_reason"]
        if not body["choices"] or not plan.streamed:
            seen["usage"] = body.get("usage", ABSENT)
    return seen


def read_messages(plan: Plan) -> dict[str, Any]:
    seen: dict[str, Any] = {"blocks": [], "usage": ABSENT}
    for event in payloads(plan):
        kind = event["type"]
        if kind == "content_block_start":
            block = event["content_block"]
            seen["blocks"].append([block["type"], block.get("name"), ""])
        elif kind == "content_block_delta":
            seen["blocks"][-1][2] += event["delta"].get("text", event["delta"].get("partial_json"))
        elif kind == "message":
            seen["blocks"] = [
                [block["type"], block.get("name"), block["text"] if "text" in block else _argued(block)]
                for block in event["content"]
            ]
        if kind in ("message_delta", "message"):
            ended = event.get("delta", event)
            seen |= {"stop_reason": ended["stop_reason"], "stop_details": ended["stop_details"]}
            seen["usage"] = event.get("usage", ABSENT)
        if kind == "message_start":
            seen["first"] = event["message"].get("usage", ABSENT)
    return seen


def _argued(block: dict[str, Any]) -> str:
    """A whole block's input as its deltas would say it; what is no JSON stands there as a text."""
    given = block["input"]
    return given if isinstance(given, str) else dumps(given).decode()


def read_generate(plan: Plan) -> dict[str, Any]:
    seen: dict[str, Any] = {"text": "", "calls": [], "ratings": ABSENT, "message": ABSENT}
    for body in payloads(plan):
        (candidate,) = body["candidates"]
        for part in candidate.get("content", {}).get("parts", ()):
            seen["text"] += part.get("text", "")
            if "functionCall" in part:
                seen["calls"].append([part["functionCall"]["name"], part["functionCall"]["args"]])
        seen["finish"] = candidate.get("finishReason")
        seen["ratings"] = candidate.get("safetyRatings", ABSENT)
        seen["message"] = candidate.get("finishMessage", ABSENT)
        seen["usage"] = body.get("usageMetadata", ABSENT)
    return seen


READ: Mapping[str, Callable[[Plan], dict[str, Any]]] = {
    "chat": read_chat,
    "responses": read_responses,
    "completions": read_completions,
    "messages": read_messages,
    "generate": read_generate,
}


# --- what stands there ---------------------------------------------------------------------------

REFUSED = {"type": "refusal", "category": None, "explanation": None}
SORRY = "I'm sorry, but I can't help with that."
RATINGS = [
    {"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "NEGLIGIBLE"},
    {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True},
    {"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"},
    {"category": "HARM_CATEGORY_SEXUALLY_EXPLICIT", "probability": "NEGLIGIBLE"},
]
BROKEN = '{"city":'
MALFORMED = f"Malformed function call: look({BROKEN})"
CUT = {"content": "Half said", "calls": [], "refusal": ""}
Facts = dict[str, Any]

TABLE: dict[str, tuple[Reply, str, Facts, dict[str, Facts | None]]] = {
    "content_filter": (
        SAYS,
        "content_filter",
        {},
        {
            "chat": {**CUT, "finish_reason": "content_filter"},
            "responses": {
                "status": "incomplete",
                "reason": "content_filter",
                "items": [("message", "incomplete", ["Half said"])],
            },
            "completions": {"text": "Half said", "finish_reason": "content_filter"},
            "messages": {
                "blocks": [["text", None, "Half said"]],
                "stop_reason": "refusal",
                "stop_details": REFUSED,
            },
            "generate": {"text": "Half said", "finish": "SAFETY", "ratings": RATINGS},
        },
    ),
    "length_stop": (
        SAYS,
        "length_stop",
        {},
        {
            "chat": {**CUT, "finish_reason": "length"},
            "responses": {
                "status": "incomplete",
                "reason": "max_output_tokens",
                "items": [("message", "incomplete", ["Half said"])],
            },
            "completions": {"text": "Half said", "finish_reason": "length"},
            "messages": {
                "blocks": [["text", None, "Half said"]],
                "stop_reason": "max_tokens",
                "stop_details": None,
            },
            "generate": {"text": "Half said", "finish": "MAX_TOKENS", "ratings": ABSENT},
        },
    ),
    "length_stop in a call": (
        LOOKS,
        "length_stop",
        {},
        {
            "chat": {"content": "", "calls": [["look", BROKEN]], "finish_reason": "length"},
            "responses": {
                "status": "incomplete",
                "reason": "max_output_tokens",
                "items": [("function_call", "look", BROKEN)],
            },
            "completions": {"text": "", "finish_reason": "length"},
            "messages": {"blocks": [["tool_use", "look", BROKEN]], "stop_reason": "max_tokens"},
            "generate": {"calls": [], "finish": "MAX_TOKENS", "message": ABSENT},
        },
    ),
    "refusal": (
        SAYS,
        "refusal",
        {},
        {
            "chat": {"content": "", "refusal": SORRY, "finish_reason": "stop"},
            "responses": {
                "status": "completed",
                "items": [("message", "completed", [SORRY])],
                "kinds": ["refusal"],
            },
            "completions": {"text": SORRY, "finish_reason": "stop"},
            "messages": {
                "blocks": [["text", None, SORRY]],
                "stop_reason": "refusal",
                "stop_details": REFUSED,
            },
            "generate": {"text": SORRY, "finish": "PROHIBITED_CONTENT"},
        },
    ),
    "empty_answer": (
        SAYS,
        "empty_answer",
        {},
        {
            "chat": {"content": "", "refusal": "", "calls": [], "finish_reason": "stop"},
            "responses": {"status": "completed", "items": []},
            "completions": {"text": "", "finish_reason": "stop"},
            "messages": {"blocks": [], "stop_reason": "end_turn", "stop_details": None},
            "generate": {"text": "", "calls": [], "finish": "STOP"},
        },
    ),
    "bad_tool_arguments": (
        LOOKS,
        "bad_tool_arguments",
        {"how": "truncated"},
        {
            "chat": {"calls": [["look", BROKEN]], "finish_reason": "tool_calls"},
            "responses": {"status": "completed", "items": [("function_call", "look", BROKEN)]},
            "completions": None,
            "messages": {"blocks": [["tool_use", "look", BROKEN]], "stop_reason": "tool_use"},
            "generate": {"calls": [], "finish": "MALFORMED_FUNCTION_CALL", "message": MALFORMED},
        },
    ),
    "unknown_tool": (
        LOOKS,
        "unknown_tool",
        {},
        {
            "chat": {"calls": [["look_v2", '{"city":"Paris"}']], "finish_reason": "tool_calls"},
            "responses": {"items": [("function_call", "look_v2", '{"city":"Paris"}')]},
            "completions": None,
            "messages": {"blocks": [["tool_use", "look_v2", '{"city":"Paris"}']], "stop_reason": "tool_use"},
            "generate": {"calls": [["look_v2", {"city": "Paris"}]], "finish": "STOP"},
        },
    ),
    "wrong_schema of arguments": (
        LOOKS,
        "wrong_schema",
        {"how": "type"},
        {
            "chat": {"calls": [["look", '{"city":7}']], "finish_reason": "tool_calls"},
            "responses": {"items": [("function_call", "look", '{"city":7}')]},
            "completions": None,
            "messages": {"blocks": [["tool_use", "look", '{"city":7}']]},
            "generate": {"calls": [["look", {"city": 7}]], "finish": "STOP"},
        },
    ),
    "wrong_schema of structured output": (
        FORMED,
        "wrong_schema",
        {},
        {
            "chat": {"content": "{}", "finish_reason": "stop"},
            "responses": {"items": [("message", "completed", ["{}"])]},
            "completions": None,
            "messages": {"blocks": [["text", None, "{}"]], "stop_reason": "end_turn"},
            "generate": {"text": "{}", "finish": "STOP"},
        },
    ),
    "no_usage": (
        SAYS,
        "no_usage",
        {},
        {api: {"usage": ABSENT} for api in READ},
    ),
    "no_usage, null": (
        SAYS,
        "no_usage",
        {"how": "null"},
        {api: {"usage": None} for api in READ},
    ),
}


OTHERWISE = {("together", "eos"): "stop", ("gemini", "tool_calls"): "stop"}
"""Finish reasons of chat that a vendor calls otherwise, some in streams only."""


def alike(provider: str, dialect: Generating, facts: Facts, *, stream: bool) -> Facts:
    """The facts without what tells vendors apart. Whether a chat's stream tells a null or nothing, its chunks
    before tell too."""
    if dialect.api != "chat":
        return facts
    made = dict(facts)
    if "finish_reason" in made:
        reason = made["finish_reason"]
        made["finish_reason"] = OTHERWISE.get((provider, reason), reason)
    if stream and made.get("usage", ABSENT) is None:
        made["usage"] = ABSENT
    return made


@pytest.mark.parametrize("name", TABLE)
@streaming
@dialects
def test_what_stands_there(provider: str, dialect: Generating, stream: bool, name: str) -> None:
    said, fault, settings, forms = TABLE[name]
    expected = forms[dialect.api]
    plan = played(dialect, said, fault, stream=stream, **settings)
    if expected is None:
        assert isinstance(plan, NotPlayed)
        return
    assert isinstance(plan, Plan), plan
    assert plan.head.status == 200
    seen = alike(provider, dialect, READ[dialect.api](plan), stream=stream)
    facts = alike(provider, dialect, expected, stream=stream)
    assert {key: seen[key] for key in facts} == facts


def test_the_table_leaves_out_no_fault() -> None:
    kinds = {name for name, kind in FAULTS.items() if kind.__module__ == family.__name__}
    assert {fault for _, fault, _, _ in TABLE.values()} | {"wrong_usage"} == kinds


def test_the_table_leaves_out_no_protocol() -> None:
    assert {call.api for _, call in SPOKEN} == set(READ)
    assert all(set(forms) == set(READ) for *_, forms in TABLE.values())


# --- counts --------------------------------------------------------------------------------------


@streaming
@dialects
def test_counts_do_not_add_up(provider: str, dialect: Generating, stream: bool) -> None:
    """Where a protocol tells a total it is the true one, and the output counts ten times."""
    plan = played(dialect, SAYS, "wrong_usage", stream=stream)
    assert isinstance(plan, Plan)
    counted = READ[dialect.api](plan)["usage"]
    if dialect.api == "messages":
        assert (counted["input_tokens"], counted["output_tokens"]) == (20, 80)
    elif dialect.api == "generate":
        assert (counted["promptTokenCount"], counted["candidatesTokenCount"]) == (20, 80)
        assert counted["totalTokenCount"] == 28
    else:
        into, out = ("input", "output") if dialect.api == "responses" else ("prompt", "completion")
        assert (counted[f"{into}_tokens"], counted[f"{out}_tokens"]) == (20, 80)
        assert counted["total_tokens"] == 28


@dialects
def test_a_call_is_told_its_arguments_only_where_they_can_be_told(provider: str, dialect: Generating) -> None:
    """Where a whole answer holds arguments as JSON, those that are none stand there as a text, or not at all."""
    plan = played(dialect, LOOKS, "bad_tool_arguments", stream=False)
    if isinstance(plan, NotPlayed):
        assert plan.reason == "the answer calls no tool"
        return
    seen = READ[dialect.api](plan)
    said = seen.get("calls") or [item[-2:] for item in seen.get("items", seen.get("blocks", ()))]
    if dialect.api == "generate":
        assert said == []
    else:
        with pytest.raises(JSONDecodeError):
            loads(said[0][1])


# --- what single providers add -------------------------------------------------------------------


def one(provider: str, api: str) -> Generating:
    return CALLS[NAMES.index(f"{provider}-{api}")]


@streaming
def test_azure_says_what_its_filter_found(stream: bool) -> None:
    plan = played(one("azure", "chat"), SAYS, "content_filter", stream=stream, category="sexual")
    assert isinstance(plan, Plan)
    found = read_chat(plan)["filter"]
    assert found["sexual"] == {"filtered": True, "severity": "medium"}
    assert found["violence"] == {"filtered": False, "severity": "safe"}


@streaming
def test_azure_s_responses_say_that_the_answer_was_blocked(stream: bool) -> None:
    plan = played(one("azure", "responses"), SAYS, "content_filter", stream=stream)
    assert isinstance(plan, Plan)
    *_, last = payloads(plan)
    prompt, completion = last.get("response", last)["content_filters"]
    assert (prompt["blocked"], completion["blocked"]) == (False, True)
    assert completion["content_filter_results"]["violence"]["filtered"] is True


@streaming
@pytest.mark.parametrize("provider", ["gemini", "vertex"])
@pytest.mark.parametrize(
    ("category", "blocked"),
    [
        ("hate", "HARM_CATEGORY_HATE_SPEECH"),
        ("sexual", "HARM_CATEGORY_SEXUALLY_EXPLICIT"),
        ("self_harm", "HARM_CATEGORY_DANGEROUS_CONTENT"),
    ],
)
def test_google_rates_what_its_filter_found(provider: str, category: str, blocked: str, stream: bool) -> None:
    plan = played(one(provider, "generate"), SAYS, "content_filter", stream=stream, category=category)
    assert isinstance(plan, Plan)
    ratings = read_generate(plan)["ratings"]
    assert [rating["category"] for rating in ratings if rating.get("blocked")] == [blocked]


def test_google_s_last_chunk_of_a_filtered_stream_has_no_content() -> None:
    plan = played(one("gemini", "generate"), SAYS, "content_filter", stream=True)
    assert isinstance(plan, Plan)
    *_, last = payloads(plan)
    assert "content" not in last["candidates"][0]


def test_anthropic_s_first_event_tells_no_usage_either() -> None:
    plan = played(one("anthropic", "messages"), SAYS, "no_usage", stream=True)
    assert isinstance(plan, Plan)
    assert read_messages(plan)["first"] == ABSENT


@pytest.mark.parametrize(("how", "told"), [("missing", [None]), ("null", [None, None])])
def test_openai_s_chunk_that_only_counts_is_not_sent_or_counts_nothing(how: str, told: list[Json]) -> None:
    """All chunks before it say null, as they always do."""
    plan = played(one("openai", "chat"), SAYS, "no_usage", stream=True, how=how)
    assert isinstance(plan, Plan)
    assert [body["usage"] for body in payloads(plan)][5:] == told


@pytest.mark.parametrize(("how", "told"), [("missing", ABSENT), ("null", None)])
def test_groq_s_own_object_tells_no_usage_either(how: str, told: Json) -> None:
    plan = played(one("groq", "chat"), SAYS, "no_usage", stream=True, how=how)
    assert isinstance(plan, Plan)
    own = [body["x_groq"] for body in payloads(plan) if "x_groq" in body]
    assert own[-1].get("usage", ABSENT) == told


def test_a_stream_that_was_not_asked_for_its_usage_does_not_tell_it() -> None:
    """No fault is claimed where nothing would have been said."""
    dialect = one("openai", "chat")
    request = dialect.request(
        method="POST", path="/", headers={}, raw=dumps({"model": "gpt-4o", "stream": True, "messages": []})
    )
    telling = Telling(request, True, Random(0), lambda said: dialect.stream(said, request, STAMP))
    fault = FAULTS["no_usage"]()
    assert isinstance(fault, ReplyFault)
    assert fault.tell(SAYS, telling) == NotPlayed("the answer does not tell it")
