"""The types of the input items that OpenAI and Azure know."""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.dialects.openai.validators import unsupported

ITEM_TYPES: Final = (
    *("additional_tools", "agent_message", "apply_patch_call", "apply_patch_call_output"),
    *("code_interpreter_call", "compaction", "compaction_trigger", "computer_call", "computer_call_output"),
    *("custom_tool_call", "custom_tool_call_output", "file_search_call", "function_call"),
    *("function_call_output", "image_generation_call", "item_reference", "local_shell_call"),
    *("local_shell_call_output", "mcp_approval_request", "mcp_approval_response", "mcp_call"),
    *("mcp_list_tools", "message", "multi_agent_call", "multi_agent_call_output", "program"),
    *("program_output", "reasoning", "shell_call", "shell_call_output", "tool_search_call"),
    *("tool_search_output", "web_search_call"),
)
"""The types that messages name (August 2026)."""
_ACCEPTED: Final = frozenset({*ITEM_TYPES, "configuration_update"})
"""Those, and the one that the SDK has beside them."""


def check_item_type(kind: str, path: str) -> Failure | None:
    """Return the error of an unknown type of item. It names the item, not the member `type`."""
    return None if kind in _ACCEPTED else unsupported(kind, path, ITEM_TYPES)
