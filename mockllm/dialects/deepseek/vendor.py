"""DeepSeek as a vendor of OpenAI's protocol.

From recordings of 2025 and 2026. Unknown values are plausible constants. The recorded counts of tokens from its
prompt cache are 128, 256, 384, 512 and 896. Its page (https://api-docs.deepseek.com/guides/kv_cache) states that an
unused entry lasts a few hours to a few days. Here it lasts two hours, the least of it.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.randomness import HEX, Ids
from mockllm.dialects.deepseek.encoder import DeepSeek, deepseek_usage
from mockllm.dialects.deepseek.prices import PRICES
from mockllm.dialects.deepseek.refusals import check_calls, check_chat
from mockllm.dialects.deepseek.responses import CALL_ID, DeepSeekIds, edit_response
from mockllm.dialects.openai.errors import INVALID, OpenAiErrorRow
from mockllm.dialects.vendors import prompt_caches
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.vendor import Vendor, VendorChatForm, VendorErrors, VendorIdFormat

_ERRORS: Final = {
    "authentication": OpenAiErrorRow(
        401, "authentication_error", INVALID, "Authentication Fails, Your api key: {key} is invalid"
    ),
    **dict.fromkeys(
        ("model_not_found", "model_deprecated"),
        OpenAiErrorRow(
            400,
            INVALID,
            INVALID,
            "The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you passed {model}.",
        ),
    ),
    "insufficient_quota": OpenAiErrorRow(402, "unknown_error", INVALID, "Insufficient Balance"),
}
"""The error of an unknown model is from a recording of August 2026."""


def envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the body of an error. The code is the same for all errors."""
    return {"error": {**inner, "code": inner["code"] or INVALID}}


def mask(key: str) -> str:
    return f"****{key[-4:]}"


VENDOR: Final = Vendor(
    "deepseek",
    DeepSeek,
    cache=prompt_caches.two_hours,
    prices=PRICES,
    title="DeepSeek",
    hosts=("api.deepseek.com",),
    bases=("", "/v1"),
    model="deepseek-chat",
    form=VendorChatForm(
        id=VendorIdFormat(),
        call_id=CALL_ID,
        body={"system_fingerprint": "fp_8b330d02d0_prod0820_fp8_kvcache_20260402"},
        chunk={"system_fingerprint": "fp_8b330d02d0_prod0820_fp8_kvcache_20260402"},
        choice={"logprobs": None},
        thinking="reasoning_content",
        without_text={"content": ""},
        indexed_calls=True,
        usage=deepseek_usage,
        usage_chunk="finish",
        always_usage=True,
        null_usage=True,
        media="text/event-stream; charset=utf-8",
    ),
    errors=VendorErrors(rows({}, **_ERRORS), envelope, mask=mask),
    headers={"x-ds-trace-id": VendorIdFormat("", 32, HEX)},
    edit_response=edit_response,
    response_ids=DeepSeekIds,
    check_items=check_calls,
    check_chat=check_chat,
)
