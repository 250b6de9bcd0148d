"""Mistral's chat responses: what its `Vendor` cannot express. From recordings of 2025 and 2026."""

from __future__ import annotations

from collections.abc import Iterable

from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.rendering.encoder import EncoderPosition, Event
from mockllm.core.reply.citations import full_text
from mockllm.core.reply.reply import Choice, Part, Text, Thinking, ToolCall, Usage, joined_text
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors.chat import VendorEncoder


def mistral_usage(counted: Usage) -> dict[str, Json]:
    details = {"cached_tokens": counted.cache_read}
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
        if choice.thinks:
            parts = [_content_part(part) for part in choice.parts]
            result["content"] = [part for part in parts if part is not None]
        return result

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        self._choice = at.choice
        if type(at.part) is ToolCall:
            following = self.reply.choices[at.choice].parts[at.part_index + 1 : at.part_index + 2]
            if following and type(following[0]) is ToolCall:
                delta = self._tool_call_delta(at.part, at.choice, chunk)
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
