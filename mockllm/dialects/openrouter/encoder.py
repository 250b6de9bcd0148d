"""The chat encoder of OpenRouter. All makers' models have one form; from recordings of April to August 2026."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.encoder import EncoderPosition, Event
from mockllm.core.reply.reply import Choice, Media, Thinking, ToolCall, Usage
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors.chat import VendorEncoder


def openrouter_usage(counted: Usage) -> dict[str, Json]:
    """Return the usage with the cost of the request, which is constant."""
    return {
        **plain_usage(counted),
        "cost": 5.37e-06,
        "is_byok": False,
        "prompt_tokens_details": {
            "cached_tokens": counted.cache_read,
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


class Maker(Struct, frozen=True):
    """What the models of one maker differ in. `provider` serves them. `format` is that of their reasoning, which
    `member` contains. `sealed` is the member with the encrypted reasoning, or with its signature. After the
    chunk with a call's name comes one with empty arguments where it `starts_calls_twice`."""

    provider: str
    tier: str | None = None
    format: str = "unknown"
    member: str = "text"
    sealed: str | None = None
    starts_calls_twice: bool = False


MAKERS: Final = {
    "anthropic": Maker(
        "Amazon Bedrock", None, "anthropic-claude-v1", sealed="signature", starts_calls_twice=True
    ),
    "google": Maker("Google", "default", "google-gemini-v1", sealed="data"),
    "moonshotai": Maker("Chutes"),
    "openai": Maker(
        "OpenAI", "default", "openai-responses-v1", "summary", sealed="data", starts_calls_twice=True
    ),
    "x-ai": Maker("xAI", "default", "xai-responses-v1", "summary", sealed="data", starts_calls_twice=True),
    "z-ai": Maker("Z.AI"),
}
FINGERPRINT: Final = "fp_deacdd5f6f"
OTHER: Final = Maker("OpenInference")
"""The maker of any other model, and of the open models of OpenAI."""


def _image(part: Media, place: int) -> Json:
    """Return an image as OpenRouter's guide to image generation has it. The place is from public clients."""
    return {"type": "image_url", "image_url": {"url": f"data:{part.mime};base64,{part.data}"}, "index": place}


class OpenRouter(VendorEncoder):
    """OpenRouter. Every delta contains the role. The usage is in a chunk that repeats the finish reason. An error in
    a stream is in a chunk (OpenRouter's documentation of errors)."""

    errors_in_chunk = True

    @property
    def _model(self) -> str:
        return self.reply.model or self._request.model or ""

    @property
    def _maker(self) -> Maker:
        maker, _, model = self._model.partition("/")
        return OTHER if model.startswith("gpt-oss") else MAKERS.get(maker, OTHER)

    @property
    def _is_gpt_4o(self) -> bool:
        """Whether the model is GPT-4o, whose responses have a fingerprint and no tier."""
        return self._model.startswith("openai/gpt-4o")

    @property
    def _tier(self) -> str | None:
        return None if self._is_gpt_4o else self._maker.tier

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None

    def text_delta(self, chunk: str) -> dict[str, Json]:
        return {"content": chunk, "role": "assistant"}

    def refusal_delta(self, chunk: str) -> dict[str, Json]:
        return {**self.text_delta(""), "refusal": chunk}

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {**self.text_delta(""), "reasoning": chunk, "reasoning_details": [self._detail(chunk)]}

    def message(self, choice: Choice, number: int) -> dict[str, Json]:
        images: list[Json] = [
            _image(part, place)
            for place, part in enumerate(part for part in choice.parts if type(part) is Media)
        ]
        return {**super().message(choice, number), **({"images": images} if images else {})}

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        number = self._calls[at.choice]
        yield from super().start_part(at)
        if type(at.part) is ToolCall and self._maker.starts_calls_twice:
            empty: Json = {"index": number, "function": {"arguments": ""}}
            yield self._choice_chunk(at.choice, {"tool_calls": [empty]})

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        if type(at.part) is not Media:
            return super().chunk_events(at, chunk)
        before = self.reply.choices[at.choice].parts[: at.part_index]
        image = _image(at.part, sum(type(part) is Media for part in before))
        return (self._choice_chunk(at.choice, {**self.text_delta(""), "images": [image]}),)

    def reasoning_members(self, text: str) -> dict[str, Json]:
        detail, sealed = self._detail(text), self._sealed_detail()
        if sealed is None:
            return {"reasoning": text, "reasoning_details": [detail]}
        if self._maker.sealed == "signature":
            return {"reasoning": text, "reasoning_details": [{**sealed, **detail}]}
        return {"reasoning": text, "reasoning_details": [detail, sealed]}

    def end_part(self, at: EncoderPosition) -> Iterable[Event]:
        """Return the chunk with the signature of the reasoning, or with the encrypted reasoning."""
        sealed = self._sealed_detail() if type(at.part) is Thinking else None
        if sealed is None:
            return ()
        unread = {} if self._maker.sealed == "signature" else {"reasoning": None}
        return (
            self._choice_chunk(at.choice, {**self.text_delta(""), **unread, "reasoning_details": [sealed]}),
        )

    def _detail(self, text: str) -> dict[str, Json]:
        member = self._maker.member
        return {"type": f"reasoning.{member}", member: text, "format": self._maker.format, "index": 0}

    def _sealed_detail(self) -> dict[str, Json] | None:
        """Return the signature or the encrypted reasoning; None for a maker without either."""
        maker = self._maker
        if maker.sealed is None:
            return None
        detail: dict[str, Json] = {"type": "reasoning.text", "format": maker.format, "index": 0}
        if maker.sealed == "data":
            detail |= {"type": "reasoning.encrypted", "id": self.ids.make("rs_", 50)}
        return {**detail, maker.sealed: self.ids.make("", 64, "reasoning")}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return {**self.text_delta(""), **({"reasoning": None} if choice.thinks else {})}

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        if "tool_calls" in content.get("delta", {}):
            content["delta"] = {"role": "assistant", "content": None, **content["delta"]}
        result = {**super().choice(content, finish), "native_finish_reason": finish}
        if "delta" in content:
            del result["logprobs"]
        return result

    def usage_chunk(self) -> dict[str, Json]:
        finish = self.finish_reason(self.reply.choices[0]) if self.reply.has_finish_reason else None
        result = self.chunk([self.choice({"index": 0, "delta": self.text_delta("")}, finish)])
        return {"service_tier": self._tier, **result}

    def body(self) -> dict[str, Json]:
        fingerprint = FINGERPRINT if self._is_gpt_4o else None
        served = {
            "provider": self._maker.provider,
            "service_tier": self._tier,
            "system_fingerprint": fingerprint,
        }
        return {**super().body(), **served, **{name: self._own[name] for name in served if name in self._own}}

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = {"provider": self._maker.provider, **super().chunk(choices)}
        return {**result, "system_fingerprint": FINGERPRINT} if self._is_gpt_4o else result

    def stream_error(self, failure: Failure) -> Json:
        """Return the error of the provider that its chunk names."""
        body = super().stream_error(failure)
        if "metadata" in body["error"] and "metadata" not in failure.fields:
            body["error"]["metadata"]["provider_name"] = self.chunk([])["provider"]
        return body
