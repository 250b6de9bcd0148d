"""Mistral as a vendor of OpenAI's protocol.

From recordings of 2025 and 2026. Unknown values are plausible constants. Recorded of its prompt cache: 192 of 291
tokens. Its page (https://docs.mistral.ai/studio-api/conversations/advanced/prompt-caching) names blocks of 64 tokens.
The part that was read names no time: five minutes are this project's choice.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.limits.limit_data import LimitStatus
from mockllm.core.randomness import HEX
from mockllm.core.rendering.plan import Headers
from mockllm.dialects.mistral.encoder import Mistral, mistral_usage
from mockllm.dialects.mistral.errors import (
    ERRORS,
    MALFORMED,
    check_chat,
    check_embeddings,
    envelope,
    malformed,
)
from mockllm.dialects.mistral.object_edits import edit_embeddings, edit_model
from mockllm.dialects.mistral.request import openai_request
from mockllm.dialects.rate_limit_headers import Names, SpentLimit, limit_header_pairs, seconds
from mockllm.dialects.vendors import prompt_caches
from mockllm.dialects.vendors.vendor import Vendor, VendorChatForm, VendorErrors, VendorIdFormat

_LIMITS: Final[Names] = {
    "x-ratelimit-limit-req-minute": ("requests", "limit"),
    "x-ratelimit-limit-tokens-minute": ("tokens", "limit"),
    "x-ratelimit-remaining-req-minute": ("requests", "remaining"),
    "x-ratelimit-remaining-tokens-minute": ("tokens", "remaining"),
}


def limit_headers(limit_status: LimitStatus, now: float) -> Headers:
    return limit_header_pairs(_LIMITS, limit_status, seconds)


VENDOR: Final = Vendor(
    "mistral",
    Mistral,
    cache=prompt_caches.small_steps,
    telemetry_name="mistral_ai",
    limit_headers=limit_headers,
    hosts=("api.mistral.ai",),
    maximum_field="max_tokens",
    model="mistral-small-latest",
    embedding_model="mistral-embed",
    form=VendorChatForm(
        id=VendorIdFormat("", 32, HEX),
        call_id=VendorIdFormat("", 9),
        message={"tool_calls": None},
        thinking="content",
        without_text={"content": ""},
        indexed_calls=True,
        complete_calls=True,
        calls_with_finish="last",
        usage=mistral_usage,
        usage_chunk="finish",
        always_usage=True,
        media="text/event-stream; charset=utf-8",
    ),
    errors=VendorErrors(
        ERRORS,
        envelope,
        headers=dict.fromkeys(("authentication", MALFORMED), ("mistral-correlation-id", "x-kong-request-id")),
        edit=malformed,
        spent=SpentLimit("x-ratelimit-remaining-tokens-minute"),
    ),
    headers={
        "mistral-correlation-id": VendorIdFormat(),
        "x-kong-request-id": VendorIdFormat(),
        "x-ratelimit-limit-req-minute": "360",
        "x-ratelimit-limit-tokens-minute": "500000",
        "x-ratelimit-remaining-req-minute": "359",
        "x-ratelimit-remaining-tokens-minute": "499849",
        "x-ratelimit-tokens-query-cost": "151",
    },
    check_chat=check_chat,
    check_embeddings=check_embeddings,
    edit_embeddings=edit_embeddings,
    edit_model=edit_model,
    openai_request=openai_request,
)
