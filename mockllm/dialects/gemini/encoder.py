"""Encodes replies as Gemini's generateContent: the body, and the events of a stream with their form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JsonObject
from mockllm.core.json.typed_values import list_of
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, MemberPlace, Payload, ToolCallPlace
from mockllm.core.rendering.plan import Framing
from mockllm.core.reply.logprobs import StreamedTokenLogprobs
from mockllm.core.reply.reply import Choice, NativePart, Refusal, Reply, Text, Thinking, ToolCall, joined_text
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.candidates import (
    NO_LOGPROBS,
    GeminiResponseFields,
    is_shown,
    visible_output_tokens,
)
from mockllm.dialects.gemini.errors import BLOCKED, error_object
from mockllm.dialects.gemini.generate_request import GenerateRequest
from mockllm.dialects.gemini.logprobs import chunk_logprobs
from mockllm.dialects.gemini.wire_format import indented, one_line


class GenerateEncoder(Encoder):
    """The events of a stream. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: GenerateRequest, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self.request = request
        self.fields = GeminiResponseFields(reply, request, identity)
        self.write = one_line if request.sse else indented
        self.signatures = [
            self.fields.signature(choice, number) for number, choice in enumerate(reply.choices)
        ]
        self.remaining = [_chunk_count(choice) for choice in reply.choices]
        """The number of chunks that each choice has still to send."""
        self.grounded = [
            self.fields.is_grounded(choice, number) for number, choice in enumerate(reply.choices)
        ]
        top = request.logprobs
        self.probabilities = None if top is None else StreamedTokenLogprobs(top)
        self.unended = len(reply.choices)
        self.characters = sum(_characters(choice) for choice in reply.choices)
        self.sent_characters = 0
        """The number of sent characters, without thoughts."""
        self.counts_output = False
        """Whether a part that is no thought was sent, such as a text or the code that Google executes."""

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        return (self._part_event(at, None),) if isinstance(at.part, NativePart) else ()

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        return (self._part_event(at, chunk),)

    def end_choice(self, choice: int) -> Iterable[Event]:
        """Send the finish reason, where the last event with content did not contain it."""
        reply_choice = self.reply.choices[choice]
        if self.remaining[choice] < 0:
            return ()
        parts: list[Json] = []
        if reply_choice.parts and reply_choice.flagged is None:
            parts.append({"text": ""})
            signature = self.signatures[choice]
            if signature is not None and not (
                signature.at is not None and type(reply_choice.parts[signature.at]) is ToolCall
            ):
                parts[0]["thoughtSignature"] = signature.text
        return (self._event(self.fields.candidate(choice, parts, reply_choice), ends=True),)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        if failure.type in BLOCKED:
            return (self._event(self.fields.candidate(0, [], Choice((), "content_filter")), ends=True),)
        return ((indented(error_object(failure, self.request)), None),)

    def _part_event(self, at: EncoderPosition, chunk: str | None) -> Event:
        """Return an event of one part; the last one of a choice contains the finish reason in most families."""
        fields, part, choice = self.fields, at.part, self.reply.choices[at.choice]
        self.remaining[at.choice] -= 1
        ends = (
            not self.remaining[at.choice]
            and not fields.model_family.ends_alone
            and self.reply.has_finish_reason
        )
        if ends:
            self.remaining[at.choice] = -1
        if type(part) is not Thinking:
            self.counts_output = True
            self.sent_characters += len(chunk or "")
        signature = self.signatures[at.choice] if ends or type(part) is ToolCall else None
        blocks = [fields.part(part, at.choice, at.part_index, signature, chunk)] if is_shown(part) else []
        ended, called = (choice, type(part) is ToolCall) if ends else (None, False)
        logprobs = NO_LOGPROBS if chunk is None else self._chunk_logprobs(at, chunk)
        candidate = fields.candidate(at.choice, blocks, ended, called=called, logprobs=logprobs)
        if not ends and self.grounded[at.choice]:
            candidate["groundingMetadata"] = {}
        return self._event(candidate, ends=ends)

    def _chunk_logprobs(self, at: EncoderPosition, chunk: str) -> Mapping[str, Json]:
        """Return the members of a chunk's candidate about the probabilities of its tokens, where it has any."""
        if self.probabilities is None or not isinstance(at.part, Text | Refusal):
            return NO_LOGPROBS
        tokens = self.probabilities.next(at.choice, chunk)
        return chunk_logprobs(tokens, self.fields.logprobs or 0) if tokens else NO_LOGPROBS

    def _event(self, candidate: JsonObject, *, ends: bool) -> Event:
        self.unended -= ends
        counted = self.reply.usage
        output = visible_output_tokens(counted)
        if not self.unended:
            usage = self.fields.usage(output, counted.reasoning, counted.stated)
        elif self.counts_output:
            shown = max(output * self.sent_characters // (self.characters or 1), min(output, 1))
            usage = self.fields.early_usage(shown, counted.reasoning)
        else:
            early = self.fields.model_family.counts_early_thoughts
            usage = self.fields.early_usage(0, counted.reasoning if early else 0)
        return self.write(self.fields.response([candidate], usage)), None


def _chunk_count(choice: Choice) -> int:
    return sum(
        1 if isinstance(part, NativePart) else sum(type(chunk) is str for chunk in part.chunks)
        for part in choice.parts
    )


def _characters(choice: Choice) -> int:
    return sum(
        len(joined_text(part.chunks)) for part in choice.parts if not isinstance(part, NativePart | Thinking)
    )


def _candidates(payload: Payload) -> list[Payload]:
    return list_of(payload.get("candidates"))


class GenerateEventLayout(EventLayout):
    """The chunks of a response. A call comes whole, with its arguments as an object and without an index."""

    def write(self, payload: Payload, framing: Framing) -> bytes:
        return indented(payload) if framing is Framing.JSON_ARRAY else one_line(payload)

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        for candidate in _candidates(payload):
            for part in candidate.get("content", {}).get("parts", ()):
                if "functionCall" in part:
                    call = part["functionCall"]
                    id, arguments = MemberPlace(call, "id"), MemberPlace(call, "args")
                    yield ToolCallPlace((candidate.get("index"), len(opened)), None, id, arguments)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        for candidate in _candidates(payload):
            reason = candidate.get("finishReason")
            yield FinishPlace(candidate.get("index"), candidate, ("finishReason",), bool(reason))

    def usage(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "usageMetadata") if "responseId" in payload else None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        for candidate in _candidates(payload):
            if "content" in candidate:
                yield MemberPlace(candidate["content"], "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        for candidate in _candidates(payload):
            for part in candidate.get("content", {}).get("parts", ()):
                if "text" in part:
                    return MemberPlace(part, "text")
        return None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(_candidates(payload)[0], "content")

    def choices(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "candidates")


GENERATE_LAYOUT: Final = GenerateEventLayout()
