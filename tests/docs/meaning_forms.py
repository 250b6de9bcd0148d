"""How each protocol says a fault of meaning, for docs/faults.md. Held by the matrix of tests/dialects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

PROTOCOLS: Final = ("OpenAI chat", "OpenAI responses", "Anthropic messages", "Gemini")
BROKEN: Final = "arguments that are no JSON"
FORMS: Final[dict[str, tuple[str, str, str, str]]] = {
    "content_filter": (
        "`finish_reason: content_filter`; Azure's `content_filter_results` say `filtered: true`",
        "`status: incomplete`, `incomplete_details.reason: content_filter`",
        "`stop_reason: refusal`",
        "`finishReason: SAFETY`, and `safetyRatings` of which one is `blocked`",
    ),
    "length_stop": (
        "`finish_reason: length`",
        "`status: incomplete`, `incomplete_details.reason: max_output_tokens`",
        "`stop_reason: max_tokens`",
        "`finishReason: MAX_TOKENS`; a call that is cut is left out",
    ),
    "refusal": (
        "`refusal` in place of `content`, `finish_reason: stop`",
        "a part of type `refusal`, `status: completed`",
        "a text, `stop_reason: refusal`",
        "a text, `finishReason: PROHIBITED_CONTENT`",
    ),
    "empty_answer": (
        '`content: ""`, `finish_reason: stop`',
        "`output: []`, `status: completed`",
        "`content: []`, `stop_reason: end_turn`",
        "a `content` without `parts`, `finishReason: STOP`",
    ),
    "bad_tool_arguments": (
        f"`tool_calls` with {BROKEN}, `finish_reason: tool_calls`",
        f"a `function_call` with {BROKEN}",
        "a `tool_use` whose `input_json_delta`s are no JSON; in a non-streaming response its `input` is a string",
        "no call, `finishReason: MALFORMED_FUNCTION_CALL`, and a `finishMessage`",
    ),
    "unknown_tool": (
        "`tool_calls` with another name",
        "a `function_call` with another name",
        "a `tool_use` with another name",
        "a `functionCall` with another name",
    ),
    "wrong_schema": (
        "the arguments of `tool_calls`, else `content`",
        "the arguments of a `function_call`, else `output_text`",
        "the `input` of a `tool_use`, else a text",
        "the `args` of a `functionCall`, else a text",
    ),
    "no_usage": (
        "no `usage`, and in a stream no chunk that only counts; null: `usage: null`",
        "a response without `usage`; null: `usage: null`",
        "neither `message_start` nor `message_delta` has `usage`; null: `usage: null`",
        "no chunk has `usageMetadata`; null: `usageMetadata: null`",
    ),
    "wrong_usage": (
        "`completion_tokens`, beside a true `total_tokens`",
        "`output_tokens`, beside a true `total_tokens`",
        "`output_tokens`; there is no total",
        "`candidatesTokenCount`, beside a true `totalTokenCount`",
    ),
}


def forms(name: str) -> Iterator[str]:
    """The table of a fault of meaning; nothing of others."""
    if name in FORMS:
        yield "| protocol | members of the response |\n|---|---|"
        for protocol, form in zip(PROTOCOLS, FORMS[name], strict=True):
            yield f"| {protocol} | {form} |"
        yield ""
