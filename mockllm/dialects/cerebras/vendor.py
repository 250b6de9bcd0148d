"""Cerebras as a vendor of OpenAI's protocol.

From recordings of 2025 and 2026. Unknown values are plausible constants. Of its prompt cache, its page
(https://inference-docs.cerebras.ai/capabilities/prompt-caching) guarantees five minutes; an hour is possible. Its
blocks have 100 to 600 tokens; here 128. No recording shows them.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.prompt_cache.policy import AutomaticPrefixCache, CachePolicy
from mockllm.core.randomness import Ids
from mockllm.core.request.request import Request
from mockllm.dialects.cerebras.encoder import Cerebras, cerebras_usage
from mockllm.dialects.openai.errors import INVALID, OpenAiErrorRow
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.request_edits import with_schema_name
from mockllm.dialects.vendors.vendor import Vendor, VendorChatForm, VendorErrors

_CACHE: Final = AutomaticPrefixCache(128, 128)
_ERRORS: Final = {
    "authentication": OpenAiErrorRow(401, INVALID, "wrong_api_key", "Wrong API Key", "api_key"),
    "model_not_found": OpenAiErrorRow(
        404,
        "not_found_error",
        "model_not_found",
        "Model {model} does not exist or you do not have access to it.",
        "model",
    ),
    "rate_limit": OpenAiErrorRow(
        429,
        "too_many_requests_error",
        "request_quota_exceeded",
        "Requests per minute limit exceeded - too many requests sent.",
        "quota",
        retry_after=1.0,
    ),
}
"""From public reports of 2026: https://github.com/nminaya/grammar-nazi-bot/issues/933 and 959. The error of a wrong
key is inferred."""


def envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the body of an error: an object without an envelope."""
    return inner


def prompt_cache_policy(request: Request) -> CachePolicy:
    return _CACHE


VENDOR: Final = Vendor(
    "cerebras",
    Cerebras,
    cache=prompt_cache_policy,
    hosts=("api.cerebras.ai",),
    model="llama-3.3-70b",
    form=VendorChatForm(
        body={
            "system_fingerprint": "fp_46358675aa6b1ba4d98d",
            "time_info": {
                "queue_time": 0.0088,
                "prompt_time": 0.0028,
                "completion_time": 0.0177,
                "total_time": 0.0315,
            },
        },
        chunk={"system_fingerprint": "fp_46358675aa6b1ba4d98d"},
        choice={"logprobs": None},
        thinking="reasoning",
        without_text={},
        usage=cerebras_usage,
        usage_chunk="finish",
        always_usage=True,
    ),
    openai_request=with_schema_name,
    errors=VendorErrors(rows({}, **_ERRORS), envelope),
)
