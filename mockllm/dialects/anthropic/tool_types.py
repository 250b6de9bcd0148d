"""The types of tools in a messages request: the client's own ones, and those that Anthropic knows.

Sources: the unions `ToolUnionParam` and `BetaToolUnionParam` of the `anthropic` SDK. The order and the wording of the
message are those of public reports from 2025 and 2026, such as github.com/dirac-run/dirac/issues/57. The service
accepts some types only with a header `anthropic-beta`; they pass without it here.
"""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic.validators import tag_of

CUSTOM: Final = "custom"
LISTED_PROVIDERS: Final = (
    *("bash_20250124", "browser_toolset_20260801", "code_execution_20250522", "code_execution_20250825"),
    *("code_execution_20260120", "code_execution_20260521", "computer_toolset_20260801", CUSTOM),
    *("memory_20250818", "text_editor_20250124", "text_editor_20250429", "text_editor_20250728"),
    *("tool_search_tool_bm25", "tool_search_tool_bm25_20251119", "tool_search_tool_regex"),
    *("tool_search_tool_regex_20251119", "web_fetch_20250910", "web_fetch_20260209", "web_fetch_20260309"),
    *("web_fetch_20260318", "web_search_20250305", "web_search_20260209", "web_search_20260318"),
)
"""The types that messages name: those that need no beta."""
_DATED: Final = re.compile(
    r"(?:advisor|bash|browser_toolset|code_execution|computer(?:_toolset)?|memory|text_editor"
    r"|tool_search_tool_(?:bm25|regex)|web_fetch|web_search)_20[0-9]{6}"
)
"""The types with a date. Any date passes, because the service gets new versions."""
_BETA: Final = "mcp_toolset"


def tool_type(path: str, tool: dict[str, Json]) -> str:
    """Return the type of a tool; without one, the tool is the client's own. `path` has no dot at its end."""
    kind = tool.get("type")
    if kind is None:
        return CUSTOM
    if type(kind) is str and (kind == _BETA or _DATED.fullmatch(kind)):
        return kind
    return tag_of(path, tool, LISTED_PROVIDERS)
