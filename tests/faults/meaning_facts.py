"""What each fault of meaning must leave on the wire: one reading of each protocol, and one table of what stands
there, streamed and whole alike. Two matrices go by it: of the dialects, and of raw sockets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Facts = dict[str, Any]
Bodies = Sequence[Any]
"""The JSON of each event; of a whole answer that of its body."""
ABSENT: Any = "not there"
SCHEMA: Facts = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
COUNTS = {"input_tokens": 20, "output_tokens": 8}
REPLIES: dict[str, Facts] = {
    "says": {"chunks": ["Half", " said", " is", " said."], "usage": COUNTS},
    "looks": {"tool_calls": [{"name": "look", "arguments": '{"city":"Paris"}'}], "usage": COUNTS},
    "formed": {"chunks": ['{"city":', '"Paris"}'], "usage": COUNTS},
}
"""What is said without the fault, in the language's words: eighteen characters, half of them `Half said`; a call;
JSON of the form that is asked for."""


# --- readings ------------------------------------------------------------------------------------


def read_chat(bodies: Bodies, streamed: bool) -> Facts:
    """`usage` is what the last chunk tells."""
    seen: Facts = {"content": "", "refusal": "", "calls": [], "usage": ABSENT, "filter": ABSENT}
    for body in bodies:
        seen["usage"] = body.get("usage", ABSENT)
        for choice in body["choices"]:
            said = choice["delta"] if streamed else choice["message"]
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


def read_responses(bodies: Bodies, streamed: bool) -> Facts:
    """The response that a stream ends with is the whole of it."""
    last = bodies[-1]
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


def read_completions(bodies: Bodies, streamed: bool) -> Facts:
    seen: Facts = {"text": "", "usage": ABSENT}
    for body in bodies:
        for choice in body["choices"]:
            seen["text"] += choice["text"]
            seen["finish_reason"] = choice["finish_reason"]
        if not body["choices"] or not streamed:
            seen["usage"] = body.get("usage", ABSENT)
    return seen


def read_messages(bodies: Bodies, streamed: bool) -> Facts:
    seen: Facts = {"blocks": [], "usage": ABSENT}
    for event in bodies:
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


def _argued(block: Facts) -> str:
    """A whole block's input as its deltas would say it; what is no JSON stands there as a text."""
    given = block["input"]
    return given if isinstance(given, str) else json.dumps(given, separators=(",", ":"))


def read_generate(bodies: Bodies, streamed: bool) -> Facts:
    seen: Facts = {"text": "", "calls": [], "ratings": ABSENT, "message": ABSENT}
    for body in bodies:
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


def read_ollama(bodies: Bodies, streamed: bool) -> Facts:
    """`usage` is what the last line tells: its members stand at its top."""
    seen: Facts = {"text": "", "calls": [], "finish": None, "usage": ABSENT}
    for body in bodies:
        seen["text"] += body["message"]["content"]
        called = (call["function"] for call in body["message"].get("tool_calls", ()))
        seen["calls"] += [[call["name"], call["arguments"]] for call in called]
        seen["finish"] = body.get("done_reason")
        if "eval_count" in body:
            seen["usage"] = None if body["eval_count"] is None else body
    return seen


def read_converse(bodies: Bodies, streamed: bool) -> Facts:
    """The blocks, in order. Only those of calls are opened by an event."""
    seen: Facts = {"blocks": [], "usage": ABSENT}
    for body in bodies:
        index, delta = body.get("contentBlockIndex"), body.get("delta", {})
        if "start" in body:
            seen["blocks"].append(["toolUse", body["start"]["toolUse"]["name"], ""])
        elif "text" in delta and index == len(seen["blocks"]):
            seen["blocks"].append(["text", None, delta["text"]])
        elif delta:
            seen["blocks"][-1][2] += delta.get("text", delta.get("toolUse", {}).get("input"))
        for block in body.get("output", {}).get("message", {}).get("content", ()):
            call = block.get("toolUse")
            seen["blocks"].append(
                ["text", None, block["text"]] if call is None else ["toolUse", call["name"], _argued(call)]
            )
        seen["stopReason"] = body.get("stopReason", seen.get("stopReason"))
        if "metrics" in body:
            seen["usage"] = body.get("usage", ABSENT)
    return seen


def read_cohere(bodies: Bodies, streamed: bool) -> Facts:
    """`usage` holds the counts of the whole prompt."""
    seen: Facts = {"text": "", "calls": [], "finish": None, "usage": ABSENT}
    for body in bodies:
        message = body.get("message") or body.get("delta", {}).get("message", {})
        ended = body if "finish_reason" in body else body.get("delta", {})
        content = message.get("content") or []
        for block in content if isinstance(content, list) else [content]:
            seen["text"] += block.get("text", "")
        calls = message.get("tool_calls") or []
        for call in calls if isinstance(calls, list) else [calls]:
            function = call["function"]
            if "name" in function:
                seen["calls"].append([function["name"], ""])
            seen["calls"][-1][1] += function["arguments"]
        if "finish_reason" in ended:
            usage = ended.get("usage", ABSENT)
            seen |= {
                "finish": ended["finish_reason"],
                "usage": usage["tokens"] if isinstance(usage, dict) else usage,
            }
    return seen


READ: Mapping[str, Callable[[Bodies, bool], Facts]] = {
    "openai-chat": read_chat,
    "openai-responses": read_responses,
    "openai-completions": read_completions,
    "anthropic-messages": read_messages,
    "gemini-generate": read_generate,
    "ollama-chat": read_ollama,
    "bedrock-converse": read_converse,
    "cohere-chat": read_cohere,
    "bedrock-invoke": read_messages,
}
"""By endpoint: a protocol's dialect and api."""
USAGE_MEMBERS: Mapping[str, tuple[str, str, str | None]] = {
    "openai-chat": ("prompt_tokens", "completion_tokens", "total_tokens"),
    "openai-responses": ("input_tokens", "output_tokens", "total_tokens"),
    "openai-completions": ("prompt_tokens", "completion_tokens", "total_tokens"),
    "anthropic-messages": ("input_tokens", "output_tokens", None),
    "gemini-generate": ("promptTokenCount", "candidatesTokenCount", "totalTokenCount"),
    "ollama-chat": ("prompt_eval_count", "eval_count", None),
    "cohere-chat": ("input_tokens", "output_tokens", None),
    "bedrock-converse": ("inputTokens", "outputTokens", "totalTokens"),
    "bedrock-invoke": ("input_tokens", "output_tokens", None),
}
"""The members of a usage: input, output, total."""


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

TABLE: dict[str, tuple[str, str, Facts, dict[str, Facts | None]]] = {
    "content_filter": (
        "says",
        "content_filter",
        {},
        {
            "openai-chat": {**CUT, "finish_reason": "content_filter"},
            "openai-responses": {
                "status": "incomplete",
                "reason": "content_filter",
                "items": [("message", "incomplete", ["Half said"])],
            },
            "openai-completions": {"text": "Half said", "finish_reason": "content_filter"},
            "anthropic-messages": {
                "blocks": [["text", None, "Half said"]],
                "stop_reason": "refusal",
                "stop_details": REFUSED,
            },
            "gemini-generate": {"text": "Half said", "finish": "SAFETY", "ratings": RATINGS},
            "ollama-chat": {"text": "Half said", "finish": "stop"},
            "cohere-chat": {"text": "Half said", "finish": "ERROR"},
            "bedrock-converse": {"blocks": [["text", None, "Half said"]], "stopReason": "content_filtered"},
        },
    ),
    "length_stop": (
        "says",
        "length_stop",
        {},
        {
            "openai-chat": {**CUT, "finish_reason": "length"},
            "openai-responses": {
                "status": "incomplete",
                "reason": "max_output_tokens",
                "items": [("message", "incomplete", ["Half said"])],
            },
            "openai-completions": {"text": "Half said", "finish_reason": "length"},
            "anthropic-messages": {
                "blocks": [["text", None, "Half said"]],
                "stop_reason": "max_tokens",
                "stop_details": None,
            },
            "gemini-generate": {"text": "Half said", "finish": "MAX_TOKENS", "ratings": ABSENT},
            "ollama-chat": {"text": "Half said", "finish": "length"},
            "cohere-chat": {"text": "Half said", "finish": "MAX_TOKENS"},
            "bedrock-converse": {"blocks": [["text", None, "Half said"]], "stopReason": "max_tokens"},
        },
    ),
    "length_stop in a call": (
        "looks",
        "length_stop",
        {},
        {
            "openai-chat": {"content": "", "calls": [["look", BROKEN]], "finish_reason": "length"},
            "openai-responses": {
                "status": "incomplete",
                "reason": "max_output_tokens",
                "items": [("function_call", "look", BROKEN)],
            },
            "openai-completions": {"text": "", "finish_reason": "length"},
            "anthropic-messages": {"blocks": [["tool_use", "look", BROKEN]], "stop_reason": "max_tokens"},
            "gemini-generate": {"calls": [], "finish": "MAX_TOKENS", "message": ABSENT},
            "ollama-chat": {"calls": [], "finish": "length"},
            "cohere-chat": {"calls": [["look", BROKEN]], "finish": "MAX_TOKENS"},
            "bedrock-converse": {"blocks": [["toolUse", "look", BROKEN]], "stopReason": "max_tokens"},
        },
    ),
    "refusal": (
        "says",
        "refusal",
        {},
        {
            "openai-chat": {"content": "", "refusal": SORRY, "finish_reason": "stop"},
            "openai-responses": {
                "status": "completed",
                "items": [("message", "completed", [SORRY])],
                "kinds": ["refusal"],
            },
            "openai-completions": {"text": SORRY, "finish_reason": "stop"},
            "anthropic-messages": {
                "blocks": [["text", None, SORRY]],
                "stop_reason": "refusal",
                "stop_details": REFUSED,
            },
            "gemini-generate": {"text": SORRY, "finish": "PROHIBITED_CONTENT"},
            "ollama-chat": {"text": SORRY, "finish": "stop"},
            "cohere-chat": {"text": SORRY, "finish": "COMPLETE"},
            "bedrock-converse": {"blocks": [["text", None, SORRY]], "stopReason": "end_turn"},
        },
    ),
    "empty_answer": (
        "says",
        "empty_answer",
        {},
        {
            "openai-chat": {"content": "", "refusal": "", "calls": [], "finish_reason": "stop"},
            "openai-responses": {"status": "completed", "items": []},
            "openai-completions": {"text": "", "finish_reason": "stop"},
            "anthropic-messages": {"blocks": [], "stop_reason": "end_turn", "stop_details": None},
            "gemini-generate": {"text": "", "calls": [], "finish": "STOP"},
            "ollama-chat": {"text": "", "calls": [], "finish": "stop"},
            "cohere-chat": {"text": "", "calls": [], "finish": "COMPLETE"},
            "bedrock-converse": {"blocks": [], "stopReason": "end_turn"},
        },
    ),
    "bad_tool_arguments": (
        "looks",
        "bad_tool_arguments",
        {"how": "truncated"},
        {
            "openai-chat": {"calls": [["look", BROKEN]], "finish_reason": "tool_calls"},
            "openai-responses": {"status": "completed", "items": [("function_call", "look", BROKEN)]},
            "openai-completions": None,
            "anthropic-messages": {"blocks": [["tool_use", "look", BROKEN]], "stop_reason": "tool_use"},
            "gemini-generate": {"calls": [], "finish": "MALFORMED_FUNCTION_CALL", "message": MALFORMED},
            "ollama-chat": {"calls": [], "finish": "stop"},
            "cohere-chat": {"calls": [["look", BROKEN]], "finish": "TOOL_CALL"},
            "bedrock-converse": {"blocks": [["toolUse", "look", BROKEN]], "stopReason": "tool_use"},
        },
    ),
    "unknown_tool": (
        "looks",
        "unknown_tool",
        {},
        {
            "openai-chat": {"calls": [["look_v2", '{"city":"Paris"}']], "finish_reason": "tool_calls"},
            "openai-responses": {"items": [("function_call", "look_v2", '{"city":"Paris"}')]},
            "openai-completions": None,
            "anthropic-messages": {
                "blocks": [["tool_use", "look_v2", '{"city":"Paris"}']],
                "stop_reason": "tool_use",
            },
            "gemini-generate": {"calls": [["look_v2", {"city": "Paris"}]], "finish": "STOP"},
            "ollama-chat": {"calls": [["look_v2", {"city": "Paris"}]], "finish": "stop"},
            "cohere-chat": {"calls": [["look_v2", '{"city":"Paris"}']], "finish": "TOOL_CALL"},
            "bedrock-converse": {
                "blocks": [["toolUse", "look_v2", '{"city":"Paris"}']],
                "stopReason": "tool_use",
            },
        },
    ),
    "wrong_schema of arguments": (
        "looks",
        "wrong_schema",
        {"how": "type"},
        {
            "openai-chat": {"calls": [["look", '{"city":7}']], "finish_reason": "tool_calls"},
            "openai-responses": {"items": [("function_call", "look", '{"city":7}')]},
            "openai-completions": None,
            "anthropic-messages": {"blocks": [["tool_use", "look", '{"city":7}']]},
            "gemini-generate": {"calls": [["look", {"city": 7}]], "finish": "STOP"},
            "ollama-chat": {"calls": [["look", {"city": 7}]], "finish": "stop"},
            "cohere-chat": {"calls": [["look", '{"city":7}']], "finish": "TOOL_CALL"},
            "bedrock-converse": {"blocks": [["toolUse", "look", '{"city":7}']], "stopReason": "tool_use"},
        },
    ),
    "wrong_schema of structured output": (
        "formed",
        "wrong_schema",
        {},
        {
            "openai-chat": {"content": "{}", "finish_reason": "stop"},
            "openai-responses": {"items": [("message", "completed", ["{}"])]},
            "openai-completions": None,
            "anthropic-messages": {"blocks": [["text", None, "{}"]], "stop_reason": "end_turn"},
            "gemini-generate": {"text": "{}", "finish": "STOP"},
            "ollama-chat": {"text": "{}", "finish": "stop"},
            "cohere-chat": {"text": "{}", "finish": "COMPLETE"},
            "bedrock-converse": {"blocks": [["text", None, "{}"]], "stopReason": "end_turn"},
        },
    ),
    "no_usage": (
        "says",
        "no_usage",
        {},
        {endpoint: {"usage": ABSENT} for endpoint in READ},
    ),
    "no_usage, null": (
        "says",
        "no_usage",
        {"how": "null"},
        {endpoint: {"usage": None} for endpoint in READ},
    ),
}

for _row in TABLE.values():
    _row[3]["bedrock-invoke"] = _row[3]["anthropic-messages"]  # whose bodies it carries


OTHERWISE = {("together", "eos"): "stop", ("gemini", "tool_calls"): "stop"}
"""Finish reasons of chat that a vendor calls otherwise, some in streams only."""


def alike(provider: str, endpoint: str, facts: Facts, *, stream: bool) -> Facts:
    """The facts without what tells vendors apart. Whether a chat's stream tells a null or nothing, its chunks
    before tell too."""
    if endpoint != "openai-chat":
        return facts
    made = dict(facts)
    if "finish_reason" in made:
        reason = made["finish_reason"]
        made["finish_reason"] = OTHERWISE.get((provider, reason), reason)
    if stream and made.get("usage", ABSENT) is None:
        made["usage"] = ABSENT
    return made
