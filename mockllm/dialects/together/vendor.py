"""Together as a vendor of OpenAI's protocol.

From recordings of 2025 and 2026. Unknown values are plausible constants.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.core.limits.limit_data import LimitStatus
from mockllm.core.randomness import HEX
from mockllm.core.rendering.plan import Headers
from mockllm.dialects.rate_limit_headers import Names, SpentLimit, limit_header_pairs, seconds
from mockllm.dialects.together.completions import edit_completion
from mockllm.dialects.together.encoder import together_encoder, together_usage
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.request_edits import with_messages, with_texts_for, without_schemas
from mockllm.dialects.vendors.vendor import LOWER, Vendor, VendorChatForm, VendorErrors, VendorIdFormat

_LIMITS: Final[Names] = {
    "x-ratelimit-limit": ("requests", "limit"),
    "x-ratelimit-limit-tokens": ("tokens", "limit"),
    "x-ratelimit-remaining": ("requests", "remaining"),
    "x-ratelimit-remaining-tokens": ("tokens", "remaining"),
    "x-ratelimit-reset": ("requests", "reset"),
}
_SPENT: Final = SpentLimit("x-ratelimit-remaining", "x-ratelimit-reset", seconds)
"""Together's documentation calls the reset the seconds to wait (togethercomputer/skills#61)."""


def limit_headers(limit_status: LimitStatus, now: float) -> Headers:
    return limit_header_pairs(_LIMITS, limit_status, seconds)


def openai_request(body: dict[str, Json]) -> dict[str, Json]:
    """Return OpenAI's form of a request to Together: any schema, and videos as texts. A schema may be beside its
    type, and `logprobs` a number. A legacy choice of a function beside tools is left out."""
    result = without_schemas(body)
    if result.get("tools") and result.get("function_call") == "auto":
        del result["function_call"]
    if type(result.get("logprobs")) is int:
        del result["logprobs"]
    wanted = object_of(result.get("response_format"))
    if wanted.get("type") == "json_schema" and "schema" in wanted:
        result["response_format"] = {"type": "json_schema", "json_schema": {"name": "x"}}
    return with_messages(result, lambda entry: with_texts_for(entry, ("video_url",)))


VENDOR: Final = Vendor(
    "together",
    together_encoder,
    limit_headers=limit_headers,
    hosts=("api.together.xyz", "api.together.ai"),
    edit_completion=edit_completion,
    model="meta-llama/Llama-3.3-70B-Instruct-Turbo",
    form=VendorChatForm(
        id=VendorIdFormat("ovCayuC-fdNmn-", 16, HEX),
        call_id=VendorIdFormat("call_", 24, LOWER),
        body={"prompt": []},
        choice={"logprobs": None},
        message={"tool_calls": []},
        indexed_calls=True,
        calls_with_finish="each",
        thinking="reasoning",
        usage=together_usage,
        usage_chunk="finish",
        always_usage=True,
        media="text/event-stream;charset=utf-8",
    ),
    errors=VendorErrors(rows({"authentication": "Invalid API key provided."}), spent=_SPENT),
    headers={
        "x-inference-version": "v2",
        "x-api-received": "2025-02-20T03:48:32.000Z",
        "x-api-call-start": "2025-02-20T03:48:32.000Z",
        "x-api-call-end": "2025-02-20T03:48:33.000Z",
        "x-ratelimit": "false",
        "x-ratelimit-limit": "10",
        "x-ratelimit-limit-tokens": "3000",
        "x-ratelimit-remaining": "9",
        "x-ratelimit-remaining-tokens": "2963",
        "x-ratelimit-reset": "1",
    },
    media="application/json; charset=utf-8",
    openai_request=openai_request,
)
