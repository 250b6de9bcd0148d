"""The models that are known, with what they accept; and the dated models of aliases.

Sources: a recorded list of models of 2026; the provider's pages of models, of migration, and of problems with
thinking. The dates of the models of September 2026 and later are those of their release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from mockllm.core.json.codec import Json

DEFAULT_MODEL: Final = "claude-sonnet-5"
"""The model where neither the rule nor the request names one."""
_LEVELS: Final = ("low", "medium", "high", "xhigh", "max")


Disabling = Literal["always", "up to high effort", "never", "between_tools"]
"""When a request may disable thinking. With the last value, it sends the type `between_tools` in place of
`disabled`."""


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
    disabled: Disabling = "always"
    code_execution: bool = True
    sampling: bool = False
    """Whether the model accepts `temperature`, `top_p` and `top_k`."""
    forced_tools: bool = True
    """Whether `tool_choice` may force the call of a tool."""
    system_turns: bool = True
    """Whether messages may have the role `system`."""
    long_batches: bool = True
    """Whether a beta raises the most output tokens of a batch's requests."""
    computer_tool: bool = True
    """Whether the model accepts the computer tools before the toolset."""

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
        sampling=True,
        system_turns=False,
        long_batches=False,
    )


def _of_4_6(title: str, created: str) -> KnownModel:
    """Return a model of Claude 4.6."""
    efforts = (*_FIRST, "max")
    return KnownModel(title, created, efforts=efforts, enabled=True, sampling=True, system_turns=False)


def _fable(
    title: str,
    created: str,
    *,
    enabled: bool = False,
    forced_tools: bool = False,
    computer_tool: bool = False,
) -> KnownModel:
    """Return a model of the families Fable and Mythos."""
    return KnownModel(
        title,
        created,
        enabled=enabled,
        disabled="never",
        forced_tools=forced_tools,
        long_batches=False,
        computer_tool=computer_tool,
    )


KNOWN: Final[Mapping[str, KnownModel]] = {
    "claude-fable-5-2": _fable("Claude Fable 5.2", "2026-11-09T00:00:00Z"),
    "claude-haiku-5-5": KnownModel(
        "Claude Haiku 5.5",
        "2026-10-07T00:00:00Z",
        disabled="up to high effort",
        long_batches=False,
        computer_tool=False,
    ),
    "claude-sonnet-5-5": KnownModel(
        "Claude Sonnet 5.5",
        "2026-09-28T00:00:00Z",
        disabled="between_tools",
        forced_tools=False,
        computer_tool=False,
    ),
    "claude-opus-5-5": KnownModel(
        "Claude Opus 5.5", "2026-09-22T00:00:00Z", disabled="never", forced_tools=False, computer_tool=False
    ),
    "claude-fable-5-1": _fable("Claude Fable 5.1", "2026-09-01T00:00:00Z", computer_tool=True),
    "claude-opus-5": KnownModel("Claude Opus 5", "2026-07-24T00:00:00Z", disabled="up to high effort"),
    "claude-sonnet-5": KnownModel("Claude Sonnet 5", "2026-06-29T00:00:00Z"),
    "claude-fable-5": _fable("Claude Fable 5", "2026-06-07T00:00:00Z", forced_tools=True, computer_tool=True),
    "claude-opus-4-8": KnownModel("Claude Opus 4.8", "2026-05-28T00:00:00Z"),
    "claude-opus-4-7": KnownModel("Claude Opus 4.7", "2026-04-14T00:00:00Z", system_turns=False),
    "claude-sonnet-4-6": _of_4_6("Claude Sonnet 4.6", "2026-02-17T00:00:00Z"),
    "claude-opus-4-6": _of_4_6("Claude Opus 4.6", "2026-02-04T00:00:00Z"),
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
UNLISTED: Final[Mapping[str, KnownModel]] = {
    "claude-mythos-5-2": _fable("Claude Mythos 5.2", "2026-11-09T00:00:00Z"),
    "claude-mythos-5-1": _fable("Claude Mythos 5.1", "2026-09-01T00:00:00Z", computer_tool=True),
    "claude-mythos-5": _fable(
        "Claude Mythos 5", "2026-06-07T00:00:00Z", forced_tools=True, computer_tool=True
    ),
    "claude-mythos-preview": _fable(
        "Claude Mythos Preview", "2026-04-07T00:00:00Z", enabled=True, forced_tools=True, computer_tool=True
    ),
}
"""Models that the provider serves to few, and does not list to others."""
KNOWN_MODELS: Final = frozenset({*KNOWN, *_ALIASES, *UNLISTED})
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


def known_model(name: str) -> KnownModel | None:
    """Return what is known of a model; None for a name that is unknown."""
    return KNOWN.get(name) or UNLISTED.get(name)
