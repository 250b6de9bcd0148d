"""The check of a cache breakpoint: the `cache_control` of a block, of a tool, or of the request itself.

The paths, and the messages for an unknown type and an unknown `ttl`, are those of public reports of 2026. One is
`messages.0.content.0.text.cache_control.ephemeral.ttl: Input should be '5m' or '1h'` (the project `cleocode`). Where
no wording is known, the message follows the same validator's other messages. Unknown fields pass, and so does null.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic.prompt_form import LIFETIMES
from mockllm.dialects.anthropic.validators import DICT, AnthropicRequestProblem, either, tag_of

_TYPE: Final = "ephemeral"
_TTLS: Final = tuple(LIFETIMES)
USUAL_BREAKPOINTS: Final[tuple[Json, ...]] = (
    {"type": _TYPE},
    *({"type": _TYPE, "ttl": ttl} for ttl in _TTLS),
    None,
)
"""Nearly all values of `cache_control`. Each passes the check."""


def check_breakpoint(path: str, mark: Json) -> None:
    """Raise the problem of a value of `cache_control`; None is no breakpoint."""
    if mark is None:
        return
    if type(mark) is not dict:
        raise AnthropicRequestProblem(f"{path}: {DICT.message}")
    tag_of(path, mark, (_TYPE,))
    ttl = mark.get("ttl")
    if ttl is not None and ttl not in _TTLS:
        raise AnthropicRequestProblem(f"{path}.{_TYPE}.ttl: Input should be {either(_TTLS)}")
