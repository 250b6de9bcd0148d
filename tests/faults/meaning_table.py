"""What each fault of meaning must leave on the wire: one reading of each protocol, and one table of results, streamed
and non-streaming. Two matrices use it: of the dialects, and of raw sockets."""

from __future__ import annotations

from tests.faults.meaning_readers import ABSENT, READ, Fields

SCHEMA: Fields = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
COUNTS = {"input_tokens": 20, "output_tokens": 8}
REPLIES: dict[str, Fields] = {
    "says": {"chunks": ["Half", " said", " is", " said."], "usage": COUNTS},
    "looks": {"tool_calls": [{"name": "look", "arguments": '{"city":"Paris"}'}], "usage": COUNTS},
    "formed": {"chunks": ['{"city":', '"Paris"}'], "usage": COUNTS},
}
"""The replies without the fault, in the language's words: eighteen characters, half of them `Half said`; a call;
JSON of the requested form."""

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

TABLE: dict[str, tuple[str, str, Fields, dict[str, Fields | None]]] = {
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
            "cohere-chat_v1": {"text": "Half said", "finish": "ERROR_TOXIC"},
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
            "cohere-chat_v1": {"text": "Half said", "finish": "MAX_TOKENS"},
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
            "cohere-chat_v1": {"calls": [["look", BROKEN]], "finish": "MAX_TOKENS"},
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
            "cohere-chat_v1": {"text": SORRY, "finish": "COMPLETE"},
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
            "cohere-chat_v1": {"text": "", "calls": [], "finish": "COMPLETE"},
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
            "cohere-chat_v1": {"calls": [["look", BROKEN]], "finish": "COMPLETE"},
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
            "cohere-chat_v1": {"calls": [["look_v2", '{"city":"Paris"}']], "finish": "COMPLETE"},
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
            "cohere-chat_v1": {"calls": [["look", '{"city":7}']], "finish": "COMPLETE"},
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
            "cohere-chat_v1": {"text": "{}", "finish": "COMPLETE"},
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
"""By the name of a case: the reply (a key of REPLIES), the fault, its settings, and the fields by protocol. A field
is a member as `meaning_readers.py` names it. None in place of fields: the protocol has nothing that the fault
breaks."""

for _row in TABLE.values():
    _row[3]["bedrock-invoke"] = _row[3]["anthropic-messages"]  # whose bodies it carries


OTHERWISE = {("together", "eos"): "stop", ("gemini", "tool_calls"): "stop"}
"""Finish reasons of chat that a vendor calls otherwise, some in streams only."""


def alike(provider: str, endpoint: str, fields: Fields, *, stream: bool) -> Fields:
    """The fields without what differs between vendors. A chat's stream has a null or nothing at its end; its chunks
    before have it too."""
    if endpoint != "openai-chat":
        return fields
    built = dict(fields)
    if "finish_reason" in built:
        reason = built["finish_reason"]
        built["finish_reason"] = OTHERWISE.get((provider, reason), reason)
    if stream and built.get("usage", ABSENT) is None:
        built["usage"] = ABSENT
    return built
