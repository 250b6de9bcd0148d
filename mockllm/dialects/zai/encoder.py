"""Z.ai's chat responses: what its `Vendor` cannot express. From recordings of March to August 2026."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Choice, Usage
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors.chat import VendorEncoder


def zai_usage(counted: Usage) -> dict[str, Json]:
    return {
        **plain_usage(counted),
        "prompt_tokens_details": {"cached_tokens": counted.cache_read},
        "completion_tokens_details": {"reasoning_tokens": counted.reasoning},
    }


class Zai(VendorEncoder):
    """Z.ai. The id of a response is also the id of its request. Each text has the role beside it."""

    null_finish = False

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None

    def text_delta(self, chunk: str) -> dict[str, Json]:
        return {"role": "assistant", "content": chunk}

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {"role": "assistant", "reasoning_content": chunk}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return self.text_delta("")

    def body(self) -> dict[str, Json]:
        result = super().body()
        return {"request_id": result["id"], **result}
