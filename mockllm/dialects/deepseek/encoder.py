"""DeepSeek's chat responses: what its `Vendor` cannot express. From recordings of 2025 and 2026."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.rendering.encoder import EncoderPosition
from mockllm.core.reply.logprobs import token_logprobs
from mockllm.core.reply.reply import Choice, Thinking, ToolCall, Usage, joined_text
from mockllm.core.tokens import split
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.openai.logprobs import StreamedLogprobs, entries
from mockllm.dialects.vendors.chat import VendorEncoder


def deepseek_usage(counted: Usage) -> dict[str, Json]:
    """Return the usage, which contains the cached tokens twice."""
    result: dict[str, Json] = {
        **plain_usage(counted),
        "prompt_tokens_details": {"cached_tokens": counted.cache_read},
        "prompt_cache_hit_tokens": counted.cache_read,
        "prompt_cache_miss_tokens": counted.input - counted.cache_read,
    }
    if counted.reasoning:
        result["completion_tokens_details"] = {"reasoning_tokens": counted.reasoning}
    return result


class DeepSeek(VendorEncoder):
    """DeepSeek. In a response with reasoning, every delta of a text has both the text and the reasoning, one
    of them null. Its reasoning has probabilities of its tokens, too (recordings of August 2026)."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        if choice.thinks:
            return {"role": "assistant", "content": None, "reasoning_content": ""}
        return {"role": "assistant", "content": ""}

    def text_delta(self, chunk: str) -> dict[str, Json]:
        thinks = any(choice.thinks for choice in self.reply.choices)
        return {"content": chunk, "reasoning_content": None} if thinks else {"content": chunk}

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {"content": None, "reasoning_content": chunk}

    def choice_logprobs(self, choice: Choice, top: int) -> dict[str, Json] | None:
        found = super().choice_logprobs(choice, top) or {}
        content = found.get("content") or found.get("refusal")
        thought = "".join(joined_text(part.chunks) for part in choice.parts if type(part) is Thinking)
        lists = {"content": content, "reasoning_content": entries(token_logprobs(split(thought), top))}
        return {name: tokens for name, tokens in lists.items() if tokens} or None

    def chunk_logprobs(self, probabilities: StreamedLogprobs, at: EncoderPosition, chunk: str) -> Json:
        if type(at.part) is ToolCall:
            return None
        thinks = type(at.part) is Thinking
        # the tokens of the reasoning are counted apart, as in a non-streaming response
        lists = probabilities.chunk_logprobs(~at.choice if thinks else at.choice, at.part, chunk)
        return {"reasoning_content" if thinks else "content": lists["content"] or lists["refusal"]}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return self.text_delta("")
