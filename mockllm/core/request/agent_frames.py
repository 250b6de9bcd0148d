"""The person's own text in a user message: without what coding agents put around it.

Each row is one frame of one agent, with the place in which it was seen. A frame is taken off by searching its fixed
texts, so that the work is linear in the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from mockllm.core.request.messages import Message, TextPart
from mockllm.core.text_cache import text_cache

FrameForm: TypeAlias = Literal["block", "wrapper", "section", "quotes", "prefix", "result"]
"""`block`: added text between two marks. `wrapper`: the person's text is between the marks, and all else is added.
`section`: added text from a mark to another one, or to the end. `quotes`: the whole text is in quotes. `prefix`: the
mark before the person's text is added. `result`: a text that begins with the mark is a tool's result."""


class AgentFrame(NamedTuple):
    """A frame: who adds it, its form and its marks."""

    agent: str
    form: FrameForm
    opening: str
    closing: str
    source: str
    """Where the frame was seen."""


CLAUDE_CODE: Final = "session files of Claude Code (~/.claude/projects/*.jsonl), 2025 and 2026"
GEMINI_CLI: Final = "google-gemini/gemini-cli"
CODEX: Final = "rollout files of Codex (~/.codex/sessions/*.jsonl), 2025 and 2026"
SMOLAGENTS: Final = "smolagents 1.26"
ROO: Final = "exported tasks of Cline and Roo Code, 2025"
CLINE: Final = "the program of Cline 3.0.65 (@cline/cli), which frames what is typed in its interactive mode"


def _block(agent: str, tag: str, source: str) -> AgentFrame:
    return AgentFrame(agent, "block", f"<{tag}>", f"</{tag}>", source)


FRAMES: Final[tuple[AgentFrame, ...]] = (
    *(
        _block("Claude Code", tag, CLAUDE_CODE)
        for tag in (
            "system-reminder",
            "ide_opened_file",
            "ide_selection",
            "command-name",
            "command-message",
            "command-args",
            "local-command-caveat",
            "local-command-stdout",
            "local-command-stderr",
            "bash-input",
            "bash-stdout",
            "bash-stderr",
            "task-notification",
            "user-prompt-submit-hook",
        )
    ),
    _block("Gemini CLI", "session_context", f"{GEMINI_CLI}: packages/core/src/utils/environmentContext.ts"),
    _block("Gemini CLI", "hook_context", f"{GEMINI_CLI}: context of hooks"),
    AgentFrame(
        "Gemini CLI",
        "section",
        "--- Content from referenced files ---",
        "--- End of content ---",
        f"{GEMINI_CLI}: packages/cli/src/ui/hooks/atCommandProcessor.ts",
    ),
    AgentFrame(
        "Gemini CLI",
        "section",
        "This is the Gemini CLI. We are setting up the context for our chat.",
        "",
        f"{GEMINI_CLI} before session_context, 2025; Qwen Code has the same text with its name",
    ),
    AgentFrame(
        "Qwen Code",
        "section",
        "This is the Qwen Code. We are setting up the context for our chat.",
        "",
        "QwenLM/qwen-code: packages/core/src/utils/environmentContext.ts",
    ),
    *(
        _block("Codex", tag, CODEX)
        for tag in (
            "environment_context",
            "user_instructions",
            "INSTRUCTIONS",
            "turn_aborted",
            "user_shell_command",
        )
    ),
    AgentFrame("Codex", "section", "# AGENTS.md instructions for ", "", CODEX),
    AgentFrame("Codex", "wrapper", "## My request for Codex:", "", CODEX),
    _block("Cline", "environment_details", ROO),
    AgentFrame("Cline", "wrapper", "<task>", "</task>", ROO),
    AgentFrame("Cline", "wrapper", "<feedback>", "</feedback>", ROO),
    _block("Cline", "mode_notice", CLINE),
    *(
        AgentFrame("Cline", "wrapper", f'<user_input mode="{mode}">', "</user_input>", CLINE)
        for mode in ("act", "plan", "yolo")
    ),
    AgentFrame(
        "Copilot",
        "wrapper",
        "<userRequest>",
        "</userRequest>",
        "requests of VS Code's chat to other endpoints, 2025",
    ),
    _block("Copilot CLI", "current_datetime", "requests of Copilot CLI 1.0.102 to other endpoints"),
    AgentFrame("smolagents", "prefix", "New task:\n", "", f"{SMOLAGENTS}: memory.py, TaskStep.to_messages"),
    AgentFrame(
        "smolagents", "result", "Observation:\n", "", f"{SMOLAGENTS}: memory.py, ActionStep.to_messages"
    ),
    AgentFrame(
        "smolagents",
        "block",
        "Call id: ",
        "try a completely different approach.",
        f"{SMOLAGENTS}: memory.py, ActionStep.to_messages, of a failed call",
    ),
    AgentFrame("opencode", "quotes", '"', '"', "sst/opencode: packages/opencode/src/cli/cmd/run.ts"),
)
"""Blocks come before wrappers, which contain them, and quotes come last."""


MAX_SEARCHED: Final = 1_000_000
"""The characters of a text in which frames are searched: each frame is one search."""


@text_cache(256, 2_000)  # agents repeat the texts of a person
def typed_text(text: str) -> str:
    """Return a text without the frames of agents, and without white space around it; empty where nothing is left. A
    text that is too long is returned with its frames."""
    for frame in FRAMES if len(text) <= MAX_SEARCHED else ():
        if frame.opening in text:
            text = _TAKEN_OFF[frame.form](text.strip(), frame)
    return text.strip()


def _without_blocks(text: str, frame: AgentFrame) -> str:
    parts: list[str] = []
    position = 0
    while True:
        start = text.find(frame.opening, position)
        end = -1 if start < 0 else text.find(frame.closing, start)
        if end < 0:
            return "".join((*parts, text[position:]))
        parts.append(text[position:start])
        position = end + len(frame.closing)


def _inside(text: str, frame: AgentFrame) -> str:
    """Return the last text between the marks."""
    end = text.rfind(frame.closing)
    start = text.rfind(frame.opening, 0, max(end, 0))
    return text if start < 0 else text[start + len(frame.opening) : end]


def _without_section(text: str, frame: AgentFrame) -> str:
    before, _, rest = text.partition(frame.opening)
    after = rest.rpartition(frame.closing)[2] if frame.closing and frame.closing in rest else ""
    return before + after


def _unquoted(text: str, frame: AgentFrame) -> str:
    """Return the text in quotes; text with other quotes inside stays."""
    inner = text[1:-1].replace('\\"', "")
    if len(text) < 2 or not (text.startswith('"') and text.endswith('"')) or '"' in inner:
        return text
    return text[1:-1].replace('\\"', '"')


def _without_prefix(text: str, frame: AgentFrame) -> str:
    return text.removeprefix(frame.opening)


def _without_result(text: str, frame: AgentFrame) -> str:
    return "" if _without_call_id(text).startswith(frame.opening) else text


def _without_call_id(text: str) -> str:
    """Return a result without the line before it that has the call's id, as smolagents 1.9 writes it."""
    first, _, rest = text.partition("\n")
    return rest if first.startswith(_CALL_ID) and len(first) <= _MAX_CALL_ID else text


_TAKEN_OFF: Final = {
    "prefix": _without_prefix,
    "result": _without_result,
    "block": _without_blocks,
    "wrapper": _inside,
    "section": _without_section,
    "quotes": _unquoted,
}


_RESULTS: Final = tuple(frame.opening for frame in FRAMES if frame.form == "result")
_CALL_ID: Final = "Call id: "
_MAX_CALL_ID: Final = 200
_FAILED: Final = (_CALL_ID, "Error:\n")
_CALLING: Final = "Calling tools:\n["
"""How smolagents writes calls into the model's turns, as Python lists of dicts (the source above)."""
_CALLED: Final = re.compile(r"'function': \{'name': '([^']{1,100})'")
_MAX_CALLS: Final = 100


def result_in_text(text: str) -> str | None:
    """Return the result of a tool, or the error of one, that a message of the user's role is; None of any other."""
    result = _without_call_id(text)
    failed = text.startswith(_FAILED) and "Now let's retry: take care not to repeat previous errors!" in text
    if result.startswith(_RESULTS):
        return result.partition("\n")[2]
    return text.partition("\n")[2] if failed else None


def called_in_text(text: str) -> Iterator[str]:
    """Yield the names of the tools that a turn of the model calls in its text, as some agents write their history."""
    start = text.find(_CALLING)
    if start >= 0:
        for _, call in zip(range(_MAX_CALLS), _CALLED.finditer(text, start), strict=False):
            yield call[1]


def last_typed_text(messages: Sequence[Message]) -> str | None:
    """Return the last text of a person, parts joined by a newline; None where no user message has one."""
    for message in reversed(messages):
        if message.role == "user":
            parts = [typed_text(part.text) for part in message.parts if type(part) is TextPart]
            text = "\n".join(part for part in parts if part)
            if text:
                return text
    return None
