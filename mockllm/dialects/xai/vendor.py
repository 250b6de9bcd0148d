"""xAI as a vendor of OpenAI's protocol.

From recordings of 2025 and 2026; chat from its documentation. Unknown values are plausible constants. The recorded
counts of tokens from its prompt cache are 128 and 192. An entry can go at any time
(https://docs.x.ai/developers/advanced-api-usage/prompt-caching/best-practices): five minutes are this project's
choice.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.limits.limit_data import LimitStatus
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import Headers
from mockllm.dialects.openai.errors import INVALID, OpenAiErrorRow
from mockllm.dialects.openai.headers import LIMIT_HEADER_NAMES
from mockllm.dialects.rate_limit_headers import Names, SpentLimit, limit_header_pairs, seconds
from mockllm.dialects.vendors import prompt_caches
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.request_edits import without_schemas
from mockllm.dialects.vendors.vendor import DIGITS, Vendor, VendorChatForm, VendorErrors, VendorIdFormat
from mockllm.dialects.xai.encoder import Grok, grok_usage
from mockllm.dialects.xai.responses import XaiIds, edit_response

_LIMITS: Final[Names] = {
    name: quantity for name, quantity in LIMIT_HEADER_NAMES.items() if "reset" not in name
}


def limit_headers(limit_status: LimitStatus, now: float) -> Headers:
    return limit_header_pairs(_LIMITS, limit_status, seconds)


def envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the body of an error: the message is the error."""
    own = {name: value for name, value in inner.items() if name not in ("message", "type", "param", "code")}
    return {"code": inner["code"] or inner["type"], "error": inner["message"], **own}


VENDOR: Final = Vendor(
    "xai",
    Grok,
    cache=prompt_caches.small_steps,
    title="xAI",
    telemetry_name="x_ai",
    limit_headers=limit_headers,
    hosts=("api.x.ai",),
    model="grok-4",
    form=VendorChatForm(
        id=VendorIdFormat(),
        call_id=VendorIdFormat("call_", 8, DIGITS),
        body={"system_fingerprint": "fp_eb3c003fc66c14ed"},
        chunk={"system_fingerprint": "fp_eb3c003fc66c14ed"},
        message={"refusal": None},
        thinking="reasoning_content",
        without_text={"content": ""},
        complete_calls=True,
        usage=grok_usage,
        always_usage=True,
    ),
    errors=VendorErrors(
        rows(
            {},
            authentication=OpenAiErrorRow(
                400,
                INVALID,
                "invalid-argument",
                "Incorrect API key provided. You can obtain an API key from https://console.x.ai.",
            ),
        ),
        envelope,
        headers={"authentication": ()},
        spent=SpentLimit("x-ratelimit-remaining-tokens"),
    ),
    headers={
        "x-request-id": VendorIdFormat(),
        "x-ratelimit-limit-requests": "480",
        "x-ratelimit-limit-tokens": "4000000",
        "x-ratelimit-remaining-requests": "479",
        "x-ratelimit-remaining-tokens": "3999697",
        "x-zero-data-retention": "false",
    },
    edit_response=edit_response,
    response_ids=XaiIds,
    openai_request=without_schemas,
)
