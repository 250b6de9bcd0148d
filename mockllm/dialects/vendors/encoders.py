"""Chat encoders of single vendors, for differences that a row's fields cannot express.

From recordings of 2025 and 2026; chat at xAI from its documentation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import Event
from mockllm.core.reply.reply import Call, Choice, Part, Text, Thinking, Usage
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.vendor import VendorIdFormat


def _thinks(choice: Choice) -> bool:
    return any(type(part) is Thinking for part in choice.parts)


# --- Groq -------------------------------------------------------------------------------------------

GROQ_REQUEST_ID: Final = VendorIdFormat(
    "req_01", 24, bytes(b"0123456789abcdefghjkmnpqrstvwxyz"[byte % 32] for byte in range(256))
)
"""Groq's own id of a request."""
SEED: Final = 77848632


def groq_usage(counted: Usage) -> dict[str, Json]:
    """Return the usage with times, which are constants because nothing is computed."""
    result: dict[str, Json] = {
        "queue_time": 0.21,
        "prompt_time": 0.007,
        "completion_time": 0.173,
        "total_time": 0.18,
        **plain_usage(counted),
    }
    if counted.cached_read:
        result["prompt_tokens_details"] = {"cached_tokens": counted.cached_read}
    if counted.reasoning:
        result["completion_tokens_details"] = {"reasoning_tokens": counted.reasoning}
    return result


class Groq(VendorEncoder):
    """Groq. Its own object `x_groq` is in a non-streaming response, and at both ends of a stream."""

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {"reasoning": chunk, "channel": "analysis"}

    def body(self) -> dict[str, Json]:
        thinks = any(map(_thinks, self.reply.choices))
        return {**super().body(), "x_groq": self._own_object({} if thinks else {"seed": SEED})}

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        if not choices:
            return result
        if "role" in choices[0]["delta"]:
            result["x_groq"] = self._own_object({"seed": SEED})
        elif choices[0]["finish_reason"] is not None:
            result["x_groq"] = self._own_object(self.reply.usage.put_into({"usage": self._counted}, "usage"))
        return result

    def fail(self, failure: Failure) -> Iterable[Event]:
        """Return the error, which names its status: that of the response is 200."""
        status = failure.status or self.vendor.errors.rows[failure.type].status
        return super().fail(replace(failure, fields={**failure.fields, "status_code": status}))

    def _own_object(self, more: dict[str, Json]) -> Json:
        result = {"id": GROQ_REQUEST_ID.make(self.ids, "x-request-id"), **more}
        return merged_json(result, self._own.get("x_groq", {}))


# --- Together ---------------------------------------------------------------------------------------


class Together(VendorEncoder):
    """Together. A text is streamed in both the chat and the legacy form, calls as OpenAI does."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return {"role": "assistant", "content": None} if choice.calls else None

    def text_delta(self, chunk: str) -> dict[str, Json]:
        return {"token_id": 1588, "role": "assistant", "content": chunk, "tool_calls": None}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return {} if choice.calls else self.text_delta("")

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        result = super().choice(content, finish)
        delta = content.get("delta", {})
        if "token_id" in delta:
            result |= {"text": delta["content"], "seed": None if finish is None else SEED}
        elif "message" in content:
            result["seed"] = SEED
        return result

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        return {**result, "usage": None} if choices and "text" in choices[0] else result

    @property
    def _counts(self) -> bool:
        return not any(choice.calls for choice in self.reply.choices)


# --- DeepSeek ---------------------------------------------------------------------------------------


def deepseek_usage(counted: Usage) -> dict[str, Json]:
    """Return the usage, which contains the cached tokens twice."""
    result: dict[str, Json] = {
        **plain_usage(counted),
        "prompt_tokens_details": {"cached_tokens": counted.cached_read},
        "prompt_cache_hit_tokens": counted.cached_read,
        "prompt_cache_miss_tokens": counted.input - counted.cached_read,
    }
    if counted.reasoning:
        result["completion_tokens_details"] = {"reasoning_tokens": counted.reasoning}
    return result


class DeepSeek(VendorEncoder):
    """DeepSeek. In a response with reasoning, every delta of a text has both the text and the reasoning, one
    of them null."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        if _thinks(choice):
            return {"role": "assistant", "content": None, "reasoning_content": ""}
        return {"role": "assistant", "content": ""}

    def text_delta(self, chunk: str) -> dict[str, Json]:
        thinks = any(map(_thinks, self.reply.choices))
        return {"content": chunk, "reasoning_content": None} if thinks else {"content": chunk}

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {"content": None, "reasoning_content": chunk}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return self.text_delta("")


# --- Mistral ----------------------------------------------------------------------------------------


def mistral_usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "prompt_tokens_details": {"cached_tokens": counted.cached_read}}


class Mistral(VendorEncoder):
    """Mistral. Its last chunk is padded, and contains the tier beside the usage."""

    def closing(self, choice: Choice) -> dict[str, Json]:
        return {"content": ""}

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        if choices[0]["finish_reason"] is not None:
            self._counted = {**self._counted, "service_tier": "standard"}
            result["p"] = "abcdefghijklmnopqrstuvwxyz0123"
        return result


# --- OpenRouter -------------------------------------------------------------------------------------


def openrouter_usage(counted: Usage) -> dict[str, Json]:
    """Return the usage with the cost of the request, which is constant."""
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


UPSTREAM_MEMBERS: Final = ("provider", "system_fingerprint", "service_tier")
"""The members that depend on the provider that serves a model."""


def _details(text: str) -> list[Json]:
    return [{"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}]


class OpenRouter(VendorEncoder):
    """OpenRouter. Every delta contains the role; the usage has a chunk with an empty choice. For calls of Moonshot's
    models, the first chunk is sent twice, and each chunk of a call repeats the members of its first one. An error in
    a stream is in a chunk (OpenRouter's documentation of errors)."""

    errors_in_chunk = True

    @property
    def _repeats(self) -> bool:
        return (self.reply.model or self._request.model or "").startswith("moonshotai/")

    def start_choice(self, choice: int) -> Iterable[Event]:
        events = tuple(super().start_choice(choice))
        return events * 2 if self._repeats and self.reply.choices[choice].calls else events

    def _call_delta(self, call: Call, choice: int, chunk: str) -> dict[str, Json]:
        if not self._repeats:
            return super()._call_delta(call, choice, chunk)
        number = self._calls[choice] - 1
        return {"tool_calls": [{"index": number, **self.call_object(call, choice, number, chunk)}]}

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None if _thinks(choice) else self.text_delta("")

    def text_delta(self, chunk: str) -> dict[str, Json]:
        result: dict[str, Json] = {"role": "assistant", "content": chunk}
        thinks = any(map(_thinks, self.reply.choices))
        return {**result, "reasoning": None, "reasoning_details": []} if thinks else result

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {**self.text_delta(""), "reasoning": chunk, "reasoning_details": _details(chunk)}

    def carries_finish(self, part: Part, *, last: bool) -> bool:
        """Return whether the part's last chunk contains the finish reason, as Google's models do."""
        return last and type(part) is Text and (self._request.model or "").startswith("google/")

    def reasoning_members(self, text: str) -> dict[str, Json]:
        return {"reasoning": text, "reasoning_details": _details(text)}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return self.text_delta("")

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        if "tool_calls" in content.get("delta", {}):
            content["delta"] = {"role": "assistant", "content": None, **content["delta"]}
        return {**super().choice(content, finish), "native_finish_reason": finish}

    def usage_chunk(self) -> dict[str, Json]:
        result = self.chunk([self.choice({"index": 0, "delta": self.text_delta("")}, None)])
        result.pop("system_fingerprint", None)
        return result

    def body(self) -> dict[str, Json]:
        return self._of_upstream(super().body())

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        return self._of_upstream(super().chunk(choices))

    def _of_upstream(self, content: dict[str, Json]) -> dict[str, Json]:
        """Return the object as the model's provider makes it. OpenAI's have a fingerprint, and Google's have neither
        a fingerprint nor a tier (recordings of July 2025 to July 2026)."""
        maker, _, model = (self.reply.model or self._request.model or "").partition("/")
        own = {name: value for name, value in self._own.items() if name in UPSTREAM_MEMBERS}
        if maker == "google":
            left = {name: value for name, value in content.items() if name not in UPSTREAM_MEMBERS}
            return {**left, "provider": "Google AI Studio", **own}
        if maker == "openai" and model.startswith(("gpt-4", "gpt-5")) and "system_fingerprint" in content:
            return {**content, "system_fingerprint": "fp_deacdd5f6f", **own}
        return content


# --- Ollama, xAI ------------------------------------------------------------------------------------


class Ollama(VendorEncoder):
    """Ollama. The first chunk contains the role; reasoning and calls have an empty content beside them."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {"content": "", "reasoning": chunk}

    def complete_call(self, call: dict[str, Json]) -> dict[str, Json]:
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
    """xAI. A choice of a stream has no finish reason until it ends."""

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {"reasoning_content": chunk}

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        result = super().choice(content, finish)
        if finish is None:
            del result["finish_reason"]
        return result


class FoundryGrok(Grok):
    """xAI's models as Azure serves them: non-streaming and streaming usage differ in one member each."""

    def body(self) -> dict[str, Json]:
        self._counted = {**self._counted, "audio_prompt_tokens": 0}
        return super().body()

    def usage_chunk(self) -> dict[str, Json]:
        self._counted = {**self._counted, "cost_in_usd_ticks": 0}
        return super().usage_chunk()


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
