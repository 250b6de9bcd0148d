"""Chat encoders of single vendors, for differences that a row's fields cannot express.

From recordings of 2025 and 2026; chat at xAI from its documentation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import EncoderPosition, Event
from mockllm.core.reply.citations import full_text
from mockllm.core.reply.logprobs import token_logprobs
from mockllm.core.reply.reply import Call, Choice, Part, Text, Thinking, Usage, joined_text
from mockllm.core.tokens import split
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.openai.logprobs import StreamedLogprobs, entries
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
    """Groq. Its own object `x_groq` is in a non-streaming response, and at both ends of a stream. A stream has
    the usage with the finish reason. On request it has it in a separate chunk too. A stream of calls alone opens
    with a content of null (recordings of July 2026)."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        only_calls = bool(choice.calls) and not choice.text and not _thinks(choice)
        return {"role": "assistant", "content": None if only_calls else ""}

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {"reasoning": chunk, "channel": "analysis"}

    def body(self) -> dict[str, Json]:
        compound = (self.reply.model or self._request.model or "").startswith("groq/compound")
        return {**super().body(), "x_groq": self._own_object({} if compound else {"seed": SEED})}

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        if not choices:
            return result
        if "role" in choices[0]["delta"]:
            result["x_groq"] = self._own_object({"seed": SEED})
        elif choices[0]["finish_reason"] is not None:
            result["x_groq"] = self._own_object(self.reply.usage.put_into({"usage": self._counted}, "usage"))
            result["usage"] = self._counted
            self.reply.usage.put_into(result, "usage")
        return result

    def usage_chunk(self) -> dict[str, Json]:
        return {"service_tier": "on_demand", **super().usage_chunk()}

    def fail(self, failure: Failure) -> Iterable[Event]:
        """Return the error, which names its status: that of the response is 200."""
        status = failure.status or self.vendor.errors.rows[failure.type].status
        return super().fail(replace(failure, fields={**failure.fields, "status_code": status}))

    def _own_object(self, more: dict[str, Json]) -> Json:
        result = {"id": GROQ_REQUEST_ID.make(self.ids, "x-request-id"), **more}
        return merged_json(result, self._own.get("x_groq", {}))


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
    of them null. Its reasoning has probabilities of its tokens, too (recordings of August 2026)."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        if _thinks(choice):
            return {"role": "assistant", "content": None, "reasoning_content": ""}
        return {"role": "assistant", "content": ""}

    def text_delta(self, chunk: str) -> dict[str, Json]:
        thinks = any(map(_thinks, self.reply.choices))
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
        if type(at.part) is Call:
            return None
        thinks = type(at.part) is Thinking
        # the tokens of the reasoning are counted apart, as in a non-streaming response
        lists = probabilities.chunk_logprobs(~at.choice if thinks else at.choice, at.part, chunk)
        return {"reasoning_content" if thinks else "content": lists["content"] or lists["refusal"]}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return self.text_delta("")


# --- Mistral ----------------------------------------------------------------------------------------


def mistral_usage(counted: Usage) -> dict[str, Json]:
    details = {"cached_tokens": counted.cached_read}
    return {**plain_usage(counted), "prompt_tokens_details": details, "service_tier": "standard"}


def _thought(text: str, **more: Json) -> Json:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **more}


def _content_part(part: Part) -> Json:
    """Return the part of a message's content; None for a part that is elsewhere."""
    if type(part) is Thinking:
        return _thought(joined_text(part.chunks), closed=True)
    return {"type": "text", "text": full_text(part)} if type(part) is Text else None


class Mistral(VendorEncoder):
    """Mistral. The chunks behind the first one are padded. Reasoning is a part of the content: in a message beside
    the text, which is a part, too, and in a stream before it. Calls that follow each other are in one chunk of a
    stream (recordings of July and August 2026)."""

    _choice = 0
    _thought: frozenset[int] = frozenset()
    """The choices whose reasoning has begun. Every later part of it is `closed`, except of Magistral."""

    def message(self, choice: Choice, number: int) -> dict[str, Json]:
        result = super().message(choice, number)
        if _thinks(choice):
            parts = [_content_part(part) for part in choice.parts]
            result["content"] = [part for part in parts if part is not None]
        return result

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        self._choice = at.choice
        if type(at.part) is Call:
            following = self.reply.choices[at.choice].parts[at.part_index + 1 : at.part_index + 2]
            if following and type(following[0]) is Call:
                delta = self._call_delta(at.part, at.choice, chunk)
                self._held[at.choice] = delta["tool_calls"]
                return ()
        return super().chunk_events(at, chunk)

    @cached_property
    def _held(self) -> dict[int, list[Json]]:
        """The calls of each choice that its next chunk contains."""
        return {}

    def complete_call(self, call: dict[str, Json]) -> dict[str, Json]:
        return {"tool_calls": [*self._held.pop(self._choice, ()), call]}

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        model = self.reply.model or self._request.model or ""
        closed = self._choice in self._thought and not model.startswith("magistral")
        self._thought |= {self._choice}
        return {"content": [_thought(chunk, **({"closed": True} if closed else {}))]}

    def _finish_in_last_chunk(self, choice: int, index: int) -> bool:
        """Return whether the last chunk of a part contains the finish reason. That of a text does which the limit of
        tokens cuts."""
        parts, finish = self.reply.choices[choice].parts, self.reply.choices[choice].finish
        if finish == "length" and type(parts[index]) is Text and index == len(parts) - 1:
            return self.reply.has_finish_reason
        return super()._finish_in_last_chunk(choice, index)

    def closing(self, choice: Choice) -> dict[str, Json]:
        return {"content": ""}

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        return result if "role" in choices[0]["delta"] else {**result, "p": "abcdefghijklmnopqrstuvwxyz0123"}


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
        "cost_in_usd_ticks": 9243500,
    }


class Grok(Ollama):
    """xAI."""

    null_finish = False

    def complete_call(self, call: dict[str, Json]) -> dict[str, Json]:
        return {"tool_calls": [call]}

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {"reasoning_content": chunk}


class FoundryGrok(Grok):
    """xAI's models as Azure serves them: non-streaming and streaming usage differ in one member each."""

    def body(self) -> dict[str, Json]:
        del self._counted["cost_in_usd_ticks"]
        self._counted["audio_prompt_tokens"] = 0
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
