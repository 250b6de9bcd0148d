"""The fields of a messages request, as the types of Anthropic's SDK name them, including beta fields and
fields of earlier versions of its reference. Other fields of a body pass, and are noted.
"""

from __future__ import annotations

from typing import Final

MESSAGES: Final = frozenset({
    "anthropic_version", "betas", "billing_policy", "cache_control", "compaction", "container",
    "context_management", "diagnostics", "fallback_credit_token", "fallbacks", "inference_geo", "max_tokens",
    "mcp_servers", "messages", "metadata", "model", "output_config", "output_format", "service_tier",
    "speed", "stop_sequences", "stream", "system", "temperature", "thinking", "thread", "tool_choice",
    "tools", "top_k", "top_p", "user_profile_id", "workspace_id"
})  # fmt: skip
COUNTED: Final = frozenset({
    "anthropic_version", "betas", "billing_policy", "cache_control", "compaction", "context_management",
    "mcp_servers", "messages", "model", "output_config", "output_format", "speed", "system", "thinking",
    "tool_choice", "tools", "user_profile_id", "workspace_id"
})  # fmt: skip
"""The fields of POST /v1/messages/count_tokens."""
