"""Context management: which old tool results and thinking the service leaves out of a conversation.

Sources: the types of the anthropic package (`BetaClearToolUses20250919EditParam`,
`BetaClearThinking20251015EditParam`, `BetaContextManagementResponse`) and the service's documentation, from which the
defaults are. Recordings show only responses without an applied edit. Compaction is not imitated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import list_of
from mockllm.core.tokens import estimate

TOOL_USES: Final = "clear_tool_uses_20250919"
THINKING: Final = "clear_thinking_20251015"
TRIGGER, KEEP_USES, KEEP_TURNS = 100_000, 3, 1
"""The defaults: input tokens that trigger an edit, tool uses and turns with thinking that stay."""


def applied_edits(management: Json, messages: Json, input_tokens: int) -> tuple[dict[str, Json], ...]:
    """Return the edits that a request's `context_management` causes, as the response reports them. Edits that clear
    nothing are left out; a wrong form is ignored."""
    edits = management.get("edits") if isinstance(management, dict) else None
    if not isinstance(edits, list) or not isinstance(messages, list):
        return ()
    applied: list[dict[str, Json]] = []
    for edit in edits:
        kind = edit.get("type") if isinstance(edit, dict) else None
        cleared: dict[str, Json] | None = None
        if kind == TOOL_USES:
            cleared = _cleared_uses(edit, messages, input_tokens)
        elif kind == THINKING:
            cleared = _cleared_thinking(edit, messages)
        if cleared is not None:
            applied.append({"type": kind, **cleared})
    return tuple(applied)


def cleared_tokens(applied: Sequence[Mapping[str, Json]]) -> int:
    """Return the input tokens that the edits save."""
    return sum(edit["cleared_input_tokens"] for edit in applied)


def _cleared_uses(
    edit: Mapping[str, Json], messages: list[Json], input_tokens: int
) -> dict[str, Json] | None:
    uses = {str(block.get("id")): block for block in _blocks(messages, "tool_use")}
    results = list(_blocks(messages, "tool_result"))
    trigger = edit.get("trigger")
    counts_uses = isinstance(trigger, dict) and trigger.get("type") == "tool_uses"
    if (len(uses) if counts_uses else input_tokens) <= _value(trigger, TRIGGER):
        return None
    excluded_names = list_of(edit.get("exclude_tools"))
    old = results[: max(0, len(results) - _value(edit.get("keep"), KEEP_USES))]
    pairs = [(uses.get(str(result.get("tool_use_id")), {}), result) for result in old]
    pairs = [(use, result) for use, result in pairs if use.get("name") not in excluded_names]
    tokens = sum(
        _result_tokens(result) + _input_tokens(use, edit.get("clear_tool_inputs")) for use, result in pairs
    )
    if not pairs or tokens < _value(edit.get("clear_at_least"), 0):
        return None
    return {"cleared_tool_uses": len(pairs), "cleared_input_tokens": tokens}


def _cleared_thinking(edit: Mapping[str, Json], messages: list[Json]) -> dict[str, Json] | None:
    keep = edit.get("keep")
    if keep == "all" or (isinstance(keep, dict) and keep.get("type") == "all"):
        return None
    turns = [thoughts for message in messages if (thoughts := list(_blocks([message], "thinking")))]
    old = turns[: max(0, len(turns) - _value(keep, KEEP_TURNS))]
    if not old:
        return None
    tokens = sum(estimate(str(block.get("thinking"))) for thoughts in old for block in thoughts)
    return {"cleared_thinking_turns": len(old), "cleared_input_tokens": tokens}


def _blocks(messages: list[Json], kind: str) -> Iterator[dict[str, Json]]:
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict) and block.get("type") == kind:
                yield block


def _value(setting: Json, default: int) -> int:
    """Return the number of a setting such as `{type: tool_uses, value: 3}`."""
    value = setting.get("value") if isinstance(setting, dict) else None
    return value if type(value) is int else default


def _result_tokens(result: Mapping[str, Json]) -> int:
    content = result.get("content")
    return estimate(content if isinstance(content, str) else dumps(content or "").decode())


def _input_tokens(use: Mapping[str, Json], cleared: Json) -> int:
    """Return the tokens of a use's input where the edit clears inputs: of all tools, or of those that it lists."""
    if cleared is not True and not (isinstance(cleared, list) and use.get("name") in cleared):
        return 0
    return estimate(dumps(use.get("input")).decode())
