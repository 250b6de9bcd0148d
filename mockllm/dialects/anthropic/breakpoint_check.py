"""The checks of cache breakpoints: the `cache_control` of a block, of a tool, or of the request itself.

The paths, and the messages for an unknown type and an unknown `ttl`, are those of public reports of 2026. One is
`messages.0.content.0.text.cache_control.ephemeral.ttl: Input should be '5m' or '1h'` (the project `cleocode`). Where
no wording is known, the message follows the same validator's other messages. Unknown fields pass, and so does null.
The message for too many breakpoints is quoted in Anthropic.SDK#50, that for their order in claude-code-cache-fix#44.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic.prompt_form import CACHE_CONTROL, LIFETIMES, MAX_BREAKPOINTS, breakpoints
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


def breakpoints_problem(fields: Mapping[str, Json]) -> str | None:
    """Return the problem of all breakpoints together: too many, or one of an hour behind one of five minutes. That of
    the body itself has no place in the order."""
    found = [*breakpoints(fields)]
    if len(found) > MAX_BREAKPOINTS:
        return (
            f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {len(found)}."
        )
    has_short = False
    for path, mark in found:
        if mark.get("ttl") != "1h":
            has_short = True
        elif has_short and path != CACHE_CONTROL:
            return (
                f"{path}.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
                "Note that blocks are processed in the following order: `tools`, `system`, `messages`."
            )
    return None
