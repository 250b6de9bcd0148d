"""vLLM's chat responses: what its `Vendor` cannot express.

Sources: `vllm/entrypoints/openai/chat_completion/protocol.py` (`ChatMessage`, `ChatCompletionResponse`, the stream's
classes) and `serving.py` beside it; `UsageInfo` of `vllm/entrypoints/openai/engine/protocol.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

from mockllm.core.json.codec import Json
from mockllm.core.rendering.encoder import EncoderPosition, Event
from mockllm.core.reply.reply import Choice, NativePart, Reply, Usage
from mockllm.core.reply.truncation import part_tokens
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.vendor import Vendor
from mockllm.dialects.vllm.request import continuous


def vllm_usage(counted: Usage) -> dict[str, Json]:
    """Return the usage. The details are null, as without `--enable-prompt-tokens-details`, unless tokens were read
    from the prefix cache."""
    details: Json = {"cached_tokens": counted.cache_read} if counted.cache_read else None
    return {**plain_usage(counted), "prompt_tokens_details": details}


def chunk_count(choice: Choice) -> int:
    """Return how many chunks of a stream the texts of a choice are."""
    parts = (part for part in choice.parts if not isinstance(part, NativePart))
    return sum(type(chunk) is str for part in parts for chunk in part.chunks)


class ProgressiveUsage:
    """The usage so far of each choice of a stream: its tokens are spread evenly over its chunks."""

    def __init__(self, reply: Reply) -> None:
        choices, usage = reply.choices, reply.usage
        single = len(choices) == 1
        self._input = usage.input
        self._tokens = [usage.output if single else sum(map(part_tokens, choice.parts)) for choice in choices]
        self._chunks = list(map(chunk_count, choices))
        self._sent = [0] * len(choices)

    def count(self, choice: int) -> None:
        """Count a chunk of a choice."""
        self._sent[choice] += 1

    def of(self, choice: int) -> dict[str, Json]:
        tokens, chunks = self._tokens[choice], self._chunks[choice]
        done = tokens * self._sent[choice] // chunks if chunks else tokens
        return {
            "prompt_tokens": self._input,
            "total_tokens": self._input + done,
            "completion_tokens": done,
        }


class Vllm(VendorEncoder):
    """vLLM. The last delta is an empty text, and the choice contains the stop reason: the stop sequence that was
    found, or null."""

    def __init__(
        self, reply: Reply, request: ChatRequest, identity: ResponseIdentity, vendor: Vendor
    ) -> None:
        super().__init__(reply, request, identity, vendor)
        self._progress = ProgressiveUsage(self.reply) if continuous(request) else None

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        if self._progress is not None:
            self._progress.count(at.choice)
        return super().chunk_events(at, chunk)

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        if self._progress is not None and choices:
            result["usage"] = self._progress.of(choices[0]["index"])
        return result

    def closing(self, choice: Choice) -> dict[str, Json]:
        return {"content": ""}

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        result = super().choice(content, finish)
        if finish is None:
            return result
        number = content["index"]
        stopped = self.reply.choices[number].stopped_by if number < len(self.reply.choices) else None
        return {**result, "stop_reason": stopped}
