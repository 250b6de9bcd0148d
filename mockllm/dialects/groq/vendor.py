"""Groq as a vendor of OpenAI's protocol.

From recordings of 2025 and 2026. Unknown values are plausible constants. No recording shows the steps of its prompt
cache. Its page (https://console.groq.com/docs/prompt-caching) states that an entry lasts two hours without use.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.randomness import Ids
from mockllm.dialects.groq.encoder import REQUEST_ID, Groq, groq_usage
from mockllm.dialects.openai.errors import INVALID, OpenAiErrorRow, OpenAiErrorRows
from mockllm.dialects.openai.headers import go_duration, limits
from mockllm.dialects.rate_limit_headers import SpentLimit
from mockllm.dialects.vendors import prompt_caches
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.object_edits import unpadded
from mockllm.dialects.vendors.vendor import LOWER, Vendor, VendorChatForm, VendorErrors, VendorIdFormat


def openai_request(body: dict[str, Json]) -> dict[str, Json]:
    """Return OpenAI's form of a request to Groq: its own tiers, and an effort that the model chooses."""
    result = dict(body)
    if result.get("service_tier") in ("on_demand", "performance"):
        result["service_tier"] = "default"
    if result.get("reasoning_effort") == "default":
        result["reasoning_effort"] = "medium"
    return result


def envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the body of an error. `param` and `code` appear only where they have a value (recordings of February
    2026)."""
    optional = ("param", "code")
    return {
        "error": {name: value for name, value in inner.items() if name not in optional or value is not None}
    }


def _rows() -> OpenAiErrorRows:
    return rows(
        {"rate_limit": "Rate limit reached for model `{model}`. Please try again in {wait}."},
        not_found=OpenAiErrorRow(
            404,
            INVALID,
            "unknown_url",
            "Unknown request URL: {method} {path}. Please check the URL for typos, or see the docs at "
            "https://console.groq.com/docs/",
        ),
        model_deprecated=OpenAiErrorRow(
            400,
            INVALID,
            "model_decommissioned",
            "The model `{model}` has been decommissioned and is no longer supported. Please refer to "
            "https://console.groq.com/docs/deprecations for a recommendation on which model to use "
            "instead.",
        ),
    )


VENDOR: Final = Vendor(
    "groq",
    Groq,
    cache=prompt_caches.two_hours,
    limit_headers=limits,
    hosts=("api.groq.com",),
    bases=("/openai/v1",),
    model="llama-3.3-70b-versatile",
    form=VendorChatForm(
        call_id=VendorIdFormat("", 9, LOWER),
        body={
            "service_tier": "on_demand",
            "system_fingerprint": "fp_ed9190d8b7",
            "usage_breakdown": None,
        },
        chunk={"system_fingerprint": "fp_c82faf3ca0"},
        choice={"logprobs": None},
        thinking="reasoning",
        without_text={},
        complete_calls=True,
        usage=groq_usage,
    ),
    errors=VendorErrors(
        _rows(),
        envelope,
        event="error",
        spent=SpentLimit("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", go_duration),
    ),
    headers={
        "x-request-id": REQUEST_ID,
        "x-ratelimit-limit-requests": "14400",
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-remaining-requests": "14399",
        "x-ratelimit-remaining-tokens": "29983",
        "x-ratelimit-reset-requests": "6s",
        "x-ratelimit-reset-tokens": "34ms",
    },
    openai_request=openai_request,
    edit_response=unpadded,
)
