"""Anthropic's tools that the client runs: the service knows their input, so that a request has no schema of it.

Sources: the tools in `anthropic.types` and `anthropic.types.beta`, such as `BetaMemoryTool20250818ViewCommand`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.request.tools import schema_of_members

_DATED: Final = re.compile(r"(\w+)_20\d{6}")
_VIEW: Final[dict[str, Json]] = {"const": "view"}
_INPUTS: Final[Mapping[str, dict[str, Json]]] = {
    "bash": {"command": {"type": "string", "examples": ["ls -la"]}},
    "computer": {"action": {"const": "screenshot"}},
    "memory": {"command": _VIEW, "path": {"const": "/memories"}},
    "text_editor": {"command": _VIEW, "path": {"type": "string"}},
}
"""The input of each tool by its type without the date: the members of a call that changes nothing."""


def known_input(kind: str) -> Json:
    """Return the schema of calls of a tool of this type; None where the client does not run it."""
    dated = _DATED.fullmatch(kind)
    properties = None if dated is None else _INPUTS.get(dated[1])
    return properties and schema_of_members(properties)
