"""The models that are known, with what they accept; and the dated models of aliases.

Source: a recorded list of models of 2026, and the provider's page of models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.validators import AnthropicRequestProblem

_LEVELS: Final = ("low", "medium", "high", "xhigh", "max")


class KnownModel(Struct, frozen=True):
    """A model of the list. `window` and `max_tokens` are its tokens of input and output."""

    title: str
    created: str
    window: int = 1_000_000
    max_tokens: int = 128_000
    efforts: tuple[str, ...] = _LEVELS
    enabled: bool = False
    """Whether `thinking` may have a budget."""
    adaptive: bool = True
    """Whether `thinking` may be adaptive. These models also compact contexts, and need a last message of the user."""
    code_execution: bool = True

    @property
    def capabilities(self) -> dict[str, Json]:
        yes: Json = {"supported": True}
        adaptive: Json = {"supported": self.adaptive}
        return {
            "batch": yes,
            "citations": yes,
            "code_execution": {"supported": self.code_execution},
            "context_management": {
                "supported": True,
                "clear_tool_uses_20250919": yes,
                "clear_thinking_20251015": yes,
                "compact_20260112": adaptive,
            },
            "effort": {
                "supported": bool(self.efforts),
                **{level: {"supported": level in self.efforts} for level in _LEVELS},
            },
            "image_input": yes,
            "pdf_input": yes,
            "structured_outputs": yes,
            "thinking": {
                "supported": True,
                "types": {"enabled": {"supported": self.enabled}, "adaptive": adaptive},
            },
        }


_FIRST: Final = ("low", "medium", "high")


def _older(
    title: str,
    created: str,
    *,
    window: int = 200_000,
    max_tokens: int = 64_000,
    efforts: tuple[str, ...] = (),
    code_execution: bool = False,
) -> KnownModel:
    """Return a model before Claude 4.6."""
    return KnownModel(title, created, window, max_tokens, efforts, True, False, code_execution)


KNOWN: Final[Mapping[str, KnownModel]] = {
    "claude-opus-5": KnownModel("Claude Opus 5", "2026-07-24T00:00:00Z"),
    "claude-sonnet-5": KnownModel("Claude Sonnet 5", "2026-06-29T00:00:00Z"),
    "claude-fable-5": KnownModel("Claude Fable 5", "2026-06-07T00:00:00Z"),
    "claude-opus-4-8": KnownModel("Claude Opus 4.8", "2026-05-28T00:00:00Z"),
    "claude-opus-4-7": KnownModel("Claude Opus 4.7", "2026-04-14T00:00:00Z"),
    "claude-sonnet-4-6": KnownModel(
        "Claude Sonnet 4.6", "2026-02-17T00:00:00Z", efforts=(*_FIRST, "max"), enabled=True
    ),
    "claude-opus-4-6": KnownModel(
        "Claude Opus 4.6", "2026-02-04T00:00:00Z", efforts=(*_FIRST, "max"), enabled=True
    ),
    "claude-opus-4-5-20251101": _older(
        "Claude Opus 4.5", "2025-11-24T00:00:00Z", efforts=_FIRST, code_execution=True
    ),
    "claude-haiku-4-5-20251001": _older("Claude Haiku 4.5", "2025-10-15T00:00:00Z"),
    "claude-sonnet-4-5-20250929": _older(
        "Claude Sonnet 4.5", "2025-09-29T00:00:00Z", window=1_000_000, code_execution=True
    ),
    "claude-opus-4-1-20250805": _older("Claude Opus 4.1", "2025-08-05T00:00:00Z", max_tokens=32_000),
}
"""The models, newest first, as in the live list."""
SNAPSHOTS: Final = {
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-opus-4-1": "claude-opus-4-1-20250805",
    "claude-opus-4-0": "claude-opus-4-20250514",
    "claude-sonnet-4-0": "claude-sonnet-4-20250514",
    "claude-3-7-sonnet-latest": "claude-3-7-sonnet-20250219",
    "claude-3-5-haiku-latest": "claude-3-5-haiku-20241022",
    "claude-3-5-sonnet-latest": "claude-3-5-sonnet-20241022",
    "claude-3-opus-latest": "claude-3-opus-20240229",
}
"""The dated model that serves each alias. From recordings (Sonnet 4 and 4.5) and the provider's page of models; the
models since 4.6 have no dated names."""


def snapshot(model: str) -> str:
    """Return the model name of the response to a request for `model`."""
    return SNAPSHOTS.get(model, model)


_MAX_TOKENS: Final = "max_tokens: {} > {}, which is the maximum allowed number of output tokens for {}"
"""Quoted in public reports, such as github.com/anthropics/claude-code/issues/24451."""
_NO_BUDGET: Final = (
    '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
    '"output_config.effort" to control thinking behavior.'
)
"""Quoted in public reports, such as github.com/anthropics/claude-code/issues/49219."""
_NOT_ADAPTIVE: Final = "adaptive thinking is not supported on this model"
"""Quoted in github.com/mnfst/llm-gateway/pull/1928."""
_NO_PREFILL: Final = (
    "This model does not support assistant message prefill. The conversation must end with a user message."
)
"""Quoted in public reports, such as github.com/smallmain/vscode-unify-chat-provider/issues/249."""


def check_model(request: Request) -> None:
    """Raise for what a known model does not accept of a request that is valid for others."""
    fields = request.fields
    name = snapshot(fields["model"])
    model = KNOWN.get(name)
    if model is None:
        return
    if fields["max_tokens"] > model.max_tokens:
        raise AnthropicRequestProblem(_MAX_TOKENS.format(fields["max_tokens"], model.max_tokens, name))
    thinking = (fields.get("thinking") or {}).get("type")
    if thinking == "enabled" and not model.enabled:
        raise AnthropicRequestProblem(_NO_BUDGET)
    if thinking == "adaptive" and not model.adaptive:
        raise AnthropicRequestProblem(_NOT_ADAPTIVE)
    if model.adaptive and _is_prefilled(fields["messages"][-1]):
        raise AnthropicRequestProblem(_NO_PREFILL)


def _is_prefilled(last: dict[str, Json]) -> bool:
    """Return whether the last message begins the text of the response. A paused turn that goes on is no such text."""
    content = last["content"]
    if last["role"] != "assistant" or type(content) is str:
        return bool(last["role"] == "assistant")
    kinds = [block.get("type") for block in content if type(block) is dict]
    return kinds[-1:] == ["text"] and "server_tool_use" not in kinds
