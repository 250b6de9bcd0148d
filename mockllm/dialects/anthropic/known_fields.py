"""The fields of a request for a message, as the types of Anthropic's SDK name them, beta ones among them, with those
that its reference had before: what else stands in a body passes, and is noted.
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
"""POST /v1/messages/count_tokens."""
