"""xAI's chat responses: what its `Vendor` cannot express. From its documentation."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Choice, Usage
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors.chat import VendorEncoder


def grok_usage(counted: Usage) -> dict[str, Json]:
    return {
        **plain_usage(counted),
        "prompt_tokens_details": {
            "text_tokens": counted.input,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": counted.cache_read,
        },
        "completion_tokens_details": {
            "reasoning_tokens": counted.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
        "num_sources_used": 0,
        "cost_in_usd_ticks": 9243500,
    }


class Grok(VendorEncoder):
    """xAI. The first chunk contains the role."""

    null_finish = False

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None
