"""Reads from the responses of each protocol what faults of meaning change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.faults.protocol_table import ProtocolTable

Fields = dict[str, Any]
ABSENT: Any = "not there"
Bodies = Sequence[Any]
"""The JSON of each event; of a non-streaming response, that of its body."""


def read_chat(bodies: Bodies, streamed: bool) -> Fields:
    """`usage` is that of the last chunk."""
    seen: Fields = {"content": "", "refusal": "", "calls": [], "usage": ABSENT, "filter": ABSENT}
    for body in bodies:
        seen["usage"] = body.get("usage", ABSENT)
        for choice in body["choices"]:
            reported = choice["delta"] if streamed else choice["message"]
            seen["finish_reason"] = choice.get("finish_reason") or seen.get("finish_reason")
            seen["filter"] = choice.get("content_filter_results", ABSENT)
            seen["content"] += reported.get("content") or ""
            seen["refusal"] += reported.get("refusal") or ""
            for place, call in enumerate(reported.get("tool_calls") or ()):
                if call["function"].get("name"):
                    seen["calls"].append([call["function"]["name"], call["function"].get("arguments", "")])
                else:
                    seen["calls"][call.get("index", place)][1] += call["function"]["arguments"]
    return seen


def read_responses(bodies: Bodies, streamed: bool) -> Fields:
    """The response that a stream ends with is the whole of it."""
    last = bodies[-1]
    built = last.get("response", last)
    return {
        "status": built["status"],
        "reason": (built["incomplete_details"] or {}).get("reason"),
        "items": [
            (
                item["type"],
                item["status"],
                [part.get("text", part.get("refusal")) for part in item["content"]],
            )
            if item["type"] == "message"
            else (item["type"], item["name"], item["arguments"])
            for item in built["output"]
        ],
        "kinds": [part["type"] for item in built["output"] for part in item.get("content") or ()],
        "usage": built.get("usage", ABSENT),
    }


def read_completions(bodies: Bodies, streamed: bool) -> Fields:
    seen: Fields = {"text": "", "usage": ABSENT}
    for body in bodies:
        for choice in body["choices"]:
            seen["text"] += choice["text"]
            seen["finish_reason"] = choice["finish_reason"]
        if not body["choices"] or not streamed:
            seen["usage"] = body.get("usage", ABSENT)
    return seen


def read_messages(bodies: Bodies, streamed: bool) -> Fields:
    seen: Fields = {"blocks": [], "usage": ABSENT}
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


def _argued(block: Fields) -> str:
    """A whole block's input as its deltas would have it; what is no JSON is a text there."""
    arguments = block["input"]
    return arguments if isinstance(arguments, str) else json.dumps(arguments, separators=(",", ":"))


def read_generate(bodies: Bodies, streamed: bool) -> Fields:
    seen: Fields = {"text": "", "calls": [], "ratings": ABSENT, "message": ABSENT}
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


def read_ollama(bodies: Bodies, streamed: bool) -> Fields:
    """`usage` is that of the last line: its members are at its top."""
    seen: Fields = {"text": "", "calls": [], "finish": None, "usage": ABSENT}
    for body in bodies:
        seen["text"] += body["message"]["content"]
        called = (call["function"] for call in body["message"].get("tool_calls", ()))
        seen["calls"] += [[call["name"], call["arguments"]] for call in called]
        seen["finish"] = body.get("done_reason")
        if "eval_count" in body:
            seen["usage"] = None if body["eval_count"] is None else body
    return seen


def read_converse(bodies: Bodies, streamed: bool) -> Fields:
    """The blocks, in order. Only those of calls are opened by an event."""
    seen: Fields = {"blocks": [], "usage": ABSENT}
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


def read_cohere(bodies: Bodies, streamed: bool) -> Fields:
    """`usage` holds the counts of the whole prompt."""
    seen: Fields = {"text": "", "calls": [], "finish": None, "usage": ABSENT}
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


def read_cohere_v1(bodies: Bodies, streamed: bool) -> Fields:
    """`usage` holds the counts of the whole prompt, which a stream has in its last event, as the whole response."""
    seen: Fields = {"text": "", "calls": [], "finish": None, "usage": ABSENT}
    for body in bodies:
        if body.get("event_type") != "tool-calls-generation":
            seen["text"] += body.get("text", "")
        delta = body.get("tool_call_delta", {})
        if "name" in delta:
            seen["calls"].append([delta["name"], ""])
        if "parameters" in delta:
            seen["calls"][delta["index"]][1] += delta["parameters"]
        if "finish_reason" in body:
            meta = body.get("response", body).get("meta", ABSENT)
            usage = meta["tokens"] if isinstance(meta, dict) else meta
            seen |= {"finish": body["finish_reason"], "usage": usage}
        for call in () if streamed else body.get("tool_calls", ()):
            seen["calls"].append([call["name"], _argued({"input": call["parameters"]})])
    return seen


_READ: Mapping[str, Callable[[Bodies, bool], Fields]] = {
    "openai-chat": read_chat,
    "openai-responses": read_responses,
    "openai-completions": read_completions,
    "anthropic-messages": read_messages,
    "gemini-generate": read_generate,
    "ollama-chat": read_ollama,
    "bedrock-converse": read_converse,
    "cohere-chat": read_cohere,
    "cohere-chat_v1": read_cohere_v1,
    "bedrock-invoke": read_messages,
}
READ = ProtocolTable("tests/faults/meaning_readers.py: _READ", _READ)
"""By endpoint: a protocol's dialect and api."""
_USAGE_MEMBERS: Mapping[str, tuple[str, str, str | None]] = {
    "openai-chat": ("prompt_tokens", "completion_tokens", "total_tokens"),
    "openai-responses": ("input_tokens", "output_tokens", "total_tokens"),
    "openai-completions": ("prompt_tokens", "completion_tokens", "total_tokens"),
    "anthropic-messages": ("input_tokens", "output_tokens", None),
    "gemini-generate": ("promptTokenCount", "candidatesTokenCount", "totalTokenCount"),
    "ollama-chat": ("prompt_eval_count", "eval_count", None),
    "cohere-chat": ("input_tokens", "output_tokens", None),
    "cohere-chat_v1": ("input_tokens", "output_tokens", None),
    "bedrock-converse": ("inputTokens", "outputTokens", "totalTokens"),
    "bedrock-invoke": ("input_tokens", "output_tokens", None),
}
USAGE_MEMBERS = ProtocolTable("tests/faults/meaning_readers.py: _USAGE_MEMBERS", _USAGE_MEMBERS)
"""The members of a usage: input, output, total."""
