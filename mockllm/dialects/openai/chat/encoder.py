"""Encodes replies as chat completions: the events of a stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, dumps_temporary
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import ChunkAffixes, Encoder, EncoderPosition, Event
from mockllm.core.rendering.plan import EventKind
from mockllm.core.reply.reply import Media, NativePart, Refusal, Reply, Text, ToolCall
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import padding
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.chat.response_body import (
    AUDIO_LIFETIME,
    ChatResponseFields,
    annotations_of,
    supported_reply,
    usage,
)
from mockllm.dialects.openai.errors import error_object
from mockllm.dialects.openai.logprobs import StreamedLogprobs

FUNCTION_DELTA: Final = b'{"tool_calls":[{"index":%d,"function":{"arguments":%%b}}]}'
CUSTOM_DELTA: Final = b'{"tool_calls":[{"index":%d,"custom":{"input":%%b}}]}'
SEPARATE_EXTRAS: Final = ("object", "choices", "usage", "moderation")
"""The extras that are not part of every event: they have an event of their own, or none."""


class ChatEncoder(Encoder):
    """The events of a stream. The block of a native part is sent as the delta, unchanged."""

    def __init__(self, reply: Reply, request: ChatRequest, identity: ResponseIdentity) -> None:
        super().__init__(supported_reply(reply, request))
        self._request, self._identity = request, identity
        self._fields = fields = ChatResponseFields(reply, request, identity)
        extras = reply.extras.get("openai", {})
        event_extras = {key: value for key, value in extras.items() if key not in SEPARATE_EXTRAS}
        members = {
            **fields.members_before_choices("chat.completion.chunk"),
            **fields.members_after_choices(),
            **event_extras,
        }
        self._event_start = dumps(members)[:-1] + b',"choices":['
        self._null_logprobs = (
            b',"logprobs":null' if fields.model_family.logprobs or fields.logprobs is not None else b""
        )
        self._logprobs = None if fields.logprobs is None else StreamedLogprobs(fields.logprobs)
        self._event_end = b'],"usage":null' if request.include_usage else b"]"
        counted = merged_json(usage(reply.usage, fields.model_family), extras.get("usage", {}))
        self._usage = (
            counted if reply.usage.presence == "counted" else None
        )  # a fault makes it null, or missing
        moderation = extras.get("moderation")
        self._moderation = merged_json(fields.moderation or {}, moderation or {}) or None
        self._padded_events = 0
        self._calls = [0] * len(reply.choices)
        """The number of opened tool calls of each choice."""
        self._opened_by_first_event: set[int] = set()
        """The choices whose only tool call was opened by their first event."""
        self._with_audio = {
            number for number, choice in enumerate(self.reply.choices) if fields.audio(choice) is not None
        }
        """The choices with audio, whose text is its transcript."""

    def start_choice(self, choice: int) -> Iterable[Event]:
        """Open a choice. If it begins with its only tool call, the first event opens that call. Any other tool call
        has a separate event."""
        parts = self.reply.choices[choice].parts
        first = parts[0] if parts else None
        delta: dict[str, Json] = {"role": "assistant", "content": None}
        logprobs = None
        if self._logprobs is not None and type(first) is not ToolCall:
            logprobs = self._logprobs.chunk_logprobs(choice, first)
        if type(first) is ToolCall:
            if self._fields.legacy:
                self._opened_by_first_event.add(choice)
                delta |= {"function_call": {"name": first.name, "arguments": ""}, "refusal": None}
            elif sum(type(part) is ToolCall for part in parts) == 1:
                self._opened_by_first_event.add(choice)
                delta |= {"tool_calls": [self._opening(first, choice)], "refusal": None}
        elif type(first) is Refusal:
            delta["refusal"] = ""
        elif choice in self._with_audio:
            delta["refusal"] = None
        else:
            delta |= {"content": "", "refusal": None}
        return (self._event(choice, dumps(delta), logprobs=logprobs),)

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        if type(part) is NativePart:
            return (self._event(at.choice, dumps(part.block)),)
        if type(part) is ToolCall and at.choice not in self._opened_by_first_event:
            if self._fields.legacy:
                called = {"function_call": {"name": part.name, "arguments": ""}}
                return (self._event(at.choice, dumps(called)),)
            return (self._event(at.choice, dumps({"tool_calls": [self._opening(part, at.choice)]})),)
        return ()

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        part, logprobs = at.part, None
        if self._logprobs is not None and type(part) is not ToolCall:
            logprobs = self._logprobs.chunk_logprobs(at.choice, part, chunk)
        delta = self._delta(at) % dumps_temporary(chunk)  # over-allocated: `%` copies it
        return (self._event(at.choice, delta, text_length=len(chunk), logprobs=logprobs),)

    def chunk_affixes(self, at: EncoderPosition) -> ChunkAffixes | None:
        if self._request.obfuscated or (self._logprobs is not None and type(at.part) is not ToolCall):
            return None
        event, _ = self._event(at.choice, self._delta(at))
        before, _, after = event.rpartition(b"%b")  # the last %b is ours: no text of a client follows it
        return ChunkAffixes(before, after)

    def _delta(self, at: EncoderPosition) -> bytes:
        """Return the delta of each chunk of a part, with `%b` in place of the chunk's JSON text."""
        part = at.part
        if at.choice in self._with_audio and type(part) in (Text, Media):
            member = b"data" if type(part) is Media else b"transcript"
            return b'{"audio":{"id":%b,"%b":%%b}}' % (dumps(self._fields.audio_id(at.choice)), member)
        if type(part) is not ToolCall:
            return b'{"refusal":%b}' if type(part) is Refusal else b'{"content":%b}'
        if self._fields.legacy:
            return b'{"function_call":{"arguments":%b}}'
        form = CUSTOM_DELTA if part.name in self._fields.custom_tools else FUNCTION_DELTA
        return form % (self._calls[at.choice] - 1)

    def end_part(self, at: EncoderPosition) -> Iterable[Event]:
        """Send the citations after a text, and the time after audio until which the service has it."""
        if type(at.part) is Media:
            expiry = {
                "id": self._fields.audio_id(at.choice),
                "expires_at": self._fields.created + AUDIO_LIFETIME,
            }
            return (self._event(at.choice, dumps({"audio": expiry})),)
        if type(at.part) is not Text or not at.part.citations:
            return ()
        parts = self.reply.choices[at.choice].parts
        sent = len(annotations_of(parts[: at.part_index]))
        return (
            self._event(at.choice, dumps({"annotations": annotations_of(parts[: at.part_index + 1])[sent:]})),
        )

    def end_choice(self, choice: int) -> Iterable[Event]:
        reason = dumps(self._fields.finish(self.reply.choices[choice]))
        return (self._event(choice, b"{}", reason),)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        if self._request.include_usage and self.reply.usage.presence != "missing":
            yield "usage", (self._event_start + b'],"usage":' + dumps(self._usage) + self._padding(0), None)
        if self._moderation is not None:
            payload = self._event_start + b'],"moderation":' + dumps(self._moderation) + self._event_end[1:]
            yield "usage", (payload + self._padding(0), None)
        yield "end", (b"[DONE]", None)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        error = {"error": error_object(failure, self._request, self._identity)}
        if not failure.in_chunk:
            return ((dumps(error), None),)
        event, name = self._event(0, b'{"content":""}', b'"error"')
        return ((event[:-1] + b"," + dumps(error)[1:], name),)

    def _opening(self, call: ToolCall, choice: int) -> Json:
        number = self._calls[choice]
        self._calls[choice] += 1
        return {"index": number, **self._fields.tool_call_object(call, choice, number, "")}

    def _event(
        self, choice: int, delta: bytes, finish: bytes = b"null", text_length: int = 0, logprobs: Json = None
    ) -> Event:
        member = self._null_logprobs if logprobs is None else b',"logprobs":' + dumps(logprobs)
        entry = b'{"index":%d,"delta":%b%b,"finish_reason":%b}' % (choice, delta, member, finish)
        return self._event_start + entry + self._event_end + self._padding(text_length), None

    def _padding(self, text_length: int) -> bytes:
        """Return the padding of an event (its member `obfuscation`), and its closing brace."""
        if not self._request.obfuscated:
            return b"}"
        self._padded_events += 1
        return padding(self._padded_events - 1, text_length) + b"}"
