"""Claude by OpenAI's SDKs: Anthropic's chat completions, and the provider with them.

OpenAI has the same path, `/v1/chat/completions`: here it needs the prefix `/anthropic`. Whole responses are from a
recording of December 2025, the form of errors is from https://github.com/yinzara/ha-config-ai-agent/issues/5. Streams
and calls follow OpenAI, because there is no recording of one.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.randomness import Ids
from mockllm.dialects.anthropic import provider as anthropic
from mockllm.dialects.anthropic.errors import ROWS
from mockllm.dialects.anthropic.known_models import snapshot
from mockllm.dialects.openai.errors import OpenAiErrorRow
from mockllm.dialects.openai.headers import go_duration
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.rate_limit_headers import SpentLimit
from mockllm.dialects.vendors.chat import VendorChat, VendorEncoder
from mockllm.dialects.vendors.request_edits import without_schemas
from mockllm.dialects.vendors.vendor import Vendor, VendorChatForm, VendorErrors, VendorIdFormat


class Claude(VendorEncoder):
    """Claude. A response names the dated model of an alias."""

    def members_before_choices(self, kind: str) -> dict[str, Json]:
        result = super().members_before_choices(kind)
        return result if self.reply.model is not None else {**result, "model": snapshot(result["model"])}


def _envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the error: its code is its type, and it names no parameter."""
    return {"error": {**inner, "code": inner["type"], "param": None}}


COMPATIBLE: Final = Vendor(
    "anthropic",
    Claude,
    model="claude-sonnet-5",
    form=VendorChatForm(id=VendorIdFormat("msg_01", 22), call_id=VendorIdFormat("toolu_01", 22)),
    errors=VendorErrors(
        {
            name: OpenAiErrorRow(row.status, row.type, row.type, row.message, retry_after=row.retry_after)
            for name, row in ROWS.items()
        },
        _envelope,
        spent=SpentLimit("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", go_duration),
    ),
    headers={
        "x-request-id": VendorIdFormat("req_01", 22),
        "x-ratelimit-requests": "4000",
        "x-ratelimit-remaining-requests": "3999",
        "x-ratelimit-reset-requests": "0s",
        "x-ratelimit-tokens": "2400000",
        "x-ratelimit-remaining-tokens": "2400000",
        "x-ratelimit-reset-tokens": "0s",
    },
    openai_request=without_schemas,
)
COMPATIBLE_CHAT: Final = VendorChat(COMPATIBLE)
_CALL: Final = ProviderCall(
    "compatible_chat",
    COMPATIBLE_CHAT,
    operation="chat",
    title="Anthropic's OpenAI-compatible base",
)
PROVIDER: Final[Provider] = replace(
    anthropic.PROVIDER,
    routes=(
        *anthropic.PROVIDER.routes,
        ProviderRoute("POST", "/v1/chat/completions", _CALL, needs_prefix=True),
    ),
    compatible_base=COMPATIBLE.path(""),
)
PROVIDERS: Final = (PROVIDER,)
