"""The models that are known, with what they accept; and the dated models of aliases.

Source: a recorded list of models of 2026, and the provider's page of models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Final

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.server_tools import MCP_USE

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
    return KnownModel(
        title,
        created,
        window=window,
        max_tokens=max_tokens,
        efforts=efforts,
        enabled=True,
        adaptive=False,
        code_execution=code_execution,
    )


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
_DATE: Final = re.compile(r"-\d{8}$")
_ALIASES: Final = {_DATE.sub("", name): name for name in KNOWN if _DATE.search(name)}
_OF_SDK: Final = (
    "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5-2", "claude-fable-5-1",
    "claude-mythos-5-2", "claude-mythos-5-1", "claude-mythos-5", "claude-mythos-preview",
)  # fmt: skip
"""Models that only `anthropic.types.Model` names: what they accept is unknown here, so nothing is refused."""
KNOWN_MODELS: Final = frozenset({*KNOWN, *_ALIASES, *_OF_SDK})
"""The names of all known models."""
SNAPSHOTS: Final = {
    **_ALIASES,
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
_PAUSED_BY: Final = frozenset({MCP_USE, "server_tool_use"})
_NO_PREFILL: Final = (
    "This model does not support assistant message prefill. The conversation must end with a user message."
)
"""Quoted in public reports, such as github.com/smallmain/vscode-unify-chat-provider/issues/249."""


_RAISED_OUTPUT: Final = re.compile(r"\boutput-(\d{1,4})k-")
"""The betas that raise the maximum of output tokens, such as `output-300k-2026-03-24` (`AnthropicBetaParam` of the
SDK, and `extends_max_output` of Pydantic AI). Which models and calls one is for is unknown here, so it is for all."""


def check_model(request: Request) -> Failure | None:
    """Return the failure of a valid request that a known model does not accept."""
    fields = request.fields
    name = snapshot(fields["model"])
    model = KNOWN.get(name)
    message = None if model is None else _problem(fields, name, model, request.headers)
    return None if message is None else Failure("bad_request", message=message)


def _problem(
    fields: Mapping[str, Json], name: str, model: KnownModel, headers: Mapping[str, str]
) -> str | None:
    raised = [
        1_000 * int(thousands) for thousands in _RAISED_OUTPUT.findall(headers.get("anthropic-beta", ""))
    ]
    max_tokens = max(model.max_tokens, *raised) if raised else model.max_tokens
    if fields["max_tokens"] > max_tokens:
        return _MAX_TOKENS.format(fields["max_tokens"], max_tokens, name)
    thinking = (fields.get("thinking") or {}).get("type")
    if thinking == "enabled" and not model.enabled:
        return _NO_BUDGET
    if thinking == "adaptive" and not model.adaptive:
        return _NOT_ADAPTIVE
    # the token permits the text of the model that refused (`fallback_credit_token` in the SDK's types)
    permitted = not model.adaptive or fields.get("fallback_credit_token")
    return None if permitted or not _is_prefilled(fields["messages"]) else _NO_PREFILL


def _is_prefilled(messages: Sequence[dict[str, Json]]) -> bool:
    """Return whether the last message begins the text of the response. A turn with a server's tools may be a paused
    one that goes on."""
    last = messages[-1]
    if last["role"] != "assistant" or _kinds(last)[-1:] != ["text"]:
        return False
    turn = takewhile(lambda message: message["role"] != "user", reversed(messages))
    return _PAUSED_BY.isdisjoint(kind for message in turn for kind in _kinds(message))


def _kinds(message: dict[str, Json]) -> list[str]:
    """Return the types of the blocks."""
    content = message["content"]
    return ["text"] if type(content) is str else [block["type"] for block in content]
