"""What single vendors say in their own way in chat, where a row's fields cannot tell it. From recordings of
2025 and 2026; vLLM, and chat at xAI, from their documentation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.encoder import Event
from mockllm.core.reply.reply import Call, Choice, Part, Text, Thinking, Usage
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.vendor import VendorIdFormat, plain_usage


def _thinks(choice: Choice) -> bool:
    return any(type(part) is Thinking for part in choice.parts)


# --- Groq -------------------------------------------------------------------------------------------

ASKED: Final = VendorIdFormat(
    "req_01", 24, bytes(b"0123456789abcdefghjkmnpqrstvwxyz"[byte % 32] for byte in range(256))
)
"""Groq's own id of a request."""
SEED: Final = 77848632


def groq_usage(counted: Usage) -> dict[str, Json]:
    """With times: constants, since nothing is computed."""
    made: dict[str, Json] = {
        "queue_time": 0.21,
        "prompt_time": 0.007,
        "completion_time": 0.173,
        "total_time": 0.18,
        **plain_usage(counted),
    }
    if counted.cached_read:
        made["prompt_tokens_details"] = {"cached_tokens": counted.cached_read}
    if counted.reasoning:
        made["completion_tokens_details"] = {"reasoning_tokens": counted.reasoning}
    return made


class Groq(VendorEncoder):
    """Its own object `x_groq` stands in a whole answer, and at both ends of a stream."""

    def thought(self, piece: str) -> dict[str, Json]:
        return {"reasoning": piece, "channel": "analysis"}

    def body(self) -> dict[str, Json]:
        thinks = any(map(_thinks, self.reply.choices))
        return {**super().body(), "x_groq": self._own_object({} if thinks else {"seed": SEED})}

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        made = super().chunk(choices)
        if not choices:
            return made
        if "role" in choices[0]["delta"]:
            made["x_groq"] = self._own_object({"seed": SEED})
        elif choices[0]["finish_reason"] is not None:
            made["x_groq"] = self._own_object(self.reply.usage.tell({"usage": self._counted}, "usage"))
        return made

    def _own_object(self, more: dict[str, Json]) -> Json:
        return {"id": ASKED.made(self.ids, "x-request-id"), **more}


# --- Together ---------------------------------------------------------------------------------------


class Together(VendorEncoder):
    """A text is streamed in both the chat's and the legacy form, calls as OpenAI does."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return {"role": "assistant", "content": None} if choice.calls else None

    def text(self, piece: str) -> dict[str, Json]:
        return {"token_id": 1588, "role": "assistant", "content": piece, "tool_calls": None}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return {} if choice.calls else self.text("")

    def choice(self, said: dict[str, Json], finish: str | None) -> dict[str, Json]:
        made = super().choice(said, finish)
        delta = said.get("delta", {})
        if "token_id" in delta:
            made |= {"text": delta["content"], "seed": None if finish is None else SEED}
        elif "message" in said:
            made["seed"] = SEED
        return made

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        made = super().chunk(choices)
        return {**made, "usage": None} if choices and "text" in choices[0] else made

    @property
    def _counts(self) -> bool:
        return not any(choice.calls for choice in self.reply.choices)


# --- DeepSeek ---------------------------------------------------------------------------------------


def deepseek_usage(counted: Usage) -> dict[str, Json]:
    """What was cached is told twice."""
    made: dict[str, Json] = {
        **plain_usage(counted),
        "prompt_tokens_details": {"cached_tokens": counted.cached_read},
        "prompt_cache_hit_tokens": counted.cached_read,
        "prompt_cache_miss_tokens": counted.input - counted.cached_read,
    }
    if counted.reasoning:
        made["completion_tokens_details"] = {"reasoning_tokens": counted.reasoning}
    return made


class DeepSeek(VendorEncoder):
    """Where it thinks, every delta of a text tells both that and the reasoning, one of them null."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        if _thinks(choice):
            return {"role": "assistant", "content": None, "reasoning_content": ""}
        return {"role": "assistant", "content": ""}

    def text(self, piece: str) -> dict[str, Json]:
        thinks = any(map(_thinks, self.reply.choices))
        return {"content": piece, "reasoning_content": None} if thinks else {"content": piece}

    def thought(self, piece: str) -> dict[str, Json]:
        return {"content": None, "reasoning_content": piece}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return self.text("")


# --- Mistral ----------------------------------------------------------------------------------------


def mistral_usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "prompt_tokens_details": {"cached_tokens": counted.cached_read}}


class Mistral(VendorEncoder):
    """Its last chunk is padded, and tells the tier beside the usage."""

    def closing(self, choice: Choice) -> dict[str, Json]:
        return {"content": ""}

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        made = super().chunk(choices)
        if choices[0]["finish_reason"] is not None:
            self._counted = {**self._counted, "service_tier": "standard"}
            made["p"] = "abcdefghijklmnopqrstuvwxyz0123"
        return made


# --- OpenRouter -------------------------------------------------------------------------------------


def openrouter_usage(counted: Usage) -> dict[str, Json]:
    """With what it would have cost: constants."""
    return {
        **plain_usage(counted),
        "cost": 5.37e-06,
        "is_byok": False,
        "prompt_tokens_details": {
            "cached_tokens": counted.cached_read,
            "cache_write_tokens": counted.cache_write,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": {
            "upstream_inference_cost": 5.37e-06,
            "upstream_inference_prompt_cost": 2.22e-06,
            "upstream_inference_completions_cost": 3.15e-06,
        },
        "completion_tokens_details": {
            "reasoning_tokens": counted.reasoning,
            "image_tokens": 0,
            "audio_tokens": 0,
        },
    }


def _details(text: str) -> list[Json]:
    return [{"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}]


class OpenRouter(VendorEncoder):
    """Every delta tells the role; the usage has a chunk with an empty choice. Where Moonshot's models call, the
    first chunk comes twice, and each piece of a call repeats what its first one told."""

    @property
    def _repeats(self) -> bool:
        return (self.reply.model or self._request.model or "").startswith("moonshotai/")

    def begin(self, choice: int) -> Iterable[Event]:
        said = tuple(super().begin(choice))
        return said * 2 if self._repeats and self.reply.choices[choice].calls else said

    def _argued(self, call: Call, choice: int, piece: str) -> dict[str, Json]:
        if not self._repeats:
            return super()._argued(call, choice, piece)
        number = self._calls[choice] - 1
        return {"tool_calls": [{"index": number, **self.called(call, choice, number, piece)}]}

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None if _thinks(choice) else self.text("")

    def text(self, piece: str) -> dict[str, Json]:
        made: dict[str, Json] = {"role": "assistant", "content": piece}
        thinks = any(map(_thinks, self.reply.choices))
        return {**made, "reasoning": None, "reasoning_details": []} if thinks else made

    def thought(self, piece: str) -> dict[str, Json]:
        return {**self.text(""), "reasoning": piece, "reasoning_details": _details(piece)}

    def joins(self, part: Part, *, last: bool) -> bool:
        """Google's models end with their last piece."""
        return last and type(part) is Text and (self._request.model or "").startswith("google/")

    def reasoned(self, text: str) -> dict[str, Json]:
        return {"reasoning": text, "reasoning_details": _details(text)}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return self.text("")

    def choice(self, said: dict[str, Json], finish: str | None) -> dict[str, Json]:
        if "tool_calls" in said.get("delta", {}):
            said["delta"] = {"role": "assistant", "content": None, **said["delta"]}
        return {**super().choice(said, finish), "native_finish_reason": finish}

    def usage_chunk(self) -> dict[str, Json]:
        made = self.chunk([self.choice({"index": 0, "delta": self.text("")}, None)])
        del made["system_fingerprint"]
        return made


# --- Ollama, xAI, vLLM ------------------------------------------------------------------------------


class Ollama(VendorEncoder):
    """The first piece tells the role; reasoning and calls stand beside an empty content."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None

    def thought(self, piece: str) -> dict[str, Json]:
        return {"content": "", "reasoning": piece}

    def whole_call(self, call: dict[str, Json]) -> dict[str, Json]:
        return {"content": "", "tool_calls": [call]}


def grok_usage(counted: Usage) -> dict[str, Json]:
    return {
        **plain_usage(counted),
        "prompt_tokens_details": {
            "text_tokens": counted.input,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": counted.cached_read,
        },
        "completion_tokens_details": {
            "reasoning_tokens": counted.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
        "num_sources_used": 0,
    }


class Grok(Ollama):
    """A choice of a stream has no finish reason until it ends."""

    def thought(self, piece: str) -> dict[str, Json]:
        return {"reasoning_content": piece}

    def choice(self, said: dict[str, Json], finish: str | None) -> dict[str, Json]:
        made = super().choice(said, finish)
        if finish is None:
            del made["finish_reason"]
        return made


class FoundryGrok(Grok):
    """Grok's models as Azure serves them: whole and streamed usage differ in one member each."""

    def body(self) -> dict[str, Json]:
        self._counted = {**self._counted, "audio_prompt_tokens": 0}
        return super().body()

    def usage_chunk(self) -> dict[str, Json]:
        self._counted = {**self._counted, "cost_in_usd_ticks": 0}
        return super().usage_chunk()


def vllm_usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "prompt_tokens_details": None}


def cerebras_usage(counted: Usage) -> dict[str, Json]:
    return {
        **plain_usage(counted),
        "prompt_tokens_details": {"cached_tokens": counted.cached_read},
        "completion_tokens_details": {
            "reasoning_tokens": counted.reasoning,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


class Vllm(VendorEncoder):
    """The last delta is an empty text, and the choice tells what stopped it."""

    def closing(self, choice: Choice) -> dict[str, Json]:
        return {"content": ""}

    def choice(self, said: dict[str, Json], finish: str | None) -> dict[str, Json]:
        made = super().choice(said, finish)
        return made if finish is None else {**made, "stop_reason": None}
