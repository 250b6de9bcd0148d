"""The body of a non-streaming chat completion, and the parts that it shares with the chunks of a stream. These are
the fields at the top (`ChatResponseFields`), calls, and the supported parts of a reply."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.json.merge import merged_json
from mockllm.core.media.audio import DEFAULT_SECONDS, make_audio
from mockllm.core.reply.citations import full_text, span
from mockllm.core.reply.reply import (
    Choice,
    Finish,
    Media,
    NativePart,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
    joined_text,
)
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai import logprobs
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.model_families import DEFAULT_MODEL, OpenAiFamily, family, snapshot
from mockllm.dialects.openai.moderated import chat_moderation

WIRE_FINISH: Final[dict[Finish, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "stop",
}

AUDIO_LIFETIME: Final = 3600
"""Seconds until the service forgets the audio of a response."""
AUDIO_CHUNK: Final = 16_000
"""Characters of base64 in one event: a quarter of a second of PCM."""


class ChatResponseFields:
    """The fields of a response beside its choices, and those of a choice that follow from the request."""

    def __init__(self, reply: Reply, request: ChatRequest, identity: ResponseIdentity) -> None:
        self.id = identity.ids.make("chatcmpl-", 29)
        self.created = identity.epoch_second
        self.model = reply.model if reply.model is not None else snapshot(request.model or DEFAULT_MODEL)
        self.tier = request.service_tier
        self.model_family = family(self.model)
        self.identity = identity
        self.forced = request.forced
        """Whether the request named the function to call; the response then ends with `stop`."""
        self.custom_tools = request.custom_tools
        """The tools that take free text."""
        self.legacy = request.legacy
        """Whether a call is written as a `function_call`. A message has at most one, and it has no id."""
        self.logprobs = request.logprobs
        """The number of likeliest tokens at each position; None where the response has no probabilities."""
        self.audio_format = request.audio_format
        """The format of the audio; None where the request wants none."""
        self.moderation = chat_moderation(request, reply)
        """The moderation of request and reply; None where the request wants none."""

    def members_before_choices(self, kind: str) -> dict[str, Json]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def members_after_choices(self) -> dict[str, Json]:
        if self.model_family.ended_before_2025:
            return {}
        if self.model_family.has_service_tier:
            return {"service_tier": self.tier, "system_fingerprint": self.model_family.fingerprint}
        return {"system_fingerprint": self.model_family.fingerprint}

    def finish(self, choice: Choice) -> str:
        if choice.finish == "tool_calls" and choice.raw_finish is None:
            if self.forced:
                return "stop"
            return "function_call" if self.legacy else "tool_calls"
        return choice.finish_value(WIRE_FINISH)

    def audio(self, choice: Choice) -> Media | None:
        """Return the audio of a choice; None where there is none, or the request wants none."""
        if self.audio_format is None:
            return None
        return next((part for part in choice.parts if type(part) is Media and part.kind == "audio"), None)

    def audio_id(self, number: int) -> str:
        return self.identity.ids.make("audio_", 24, f"audio.{number}")

    def tool_call_object(self, call: ToolCall, choice: int, number: int, arguments: str) -> dict[str, Json]:
        """Return a call with `arguments` as its arguments; `number` counts the choice's calls."""
        label = f"{choice}.{number}"
        id = call.id if call.id is not None else self.identity.ids.make("call_", 24, label)
        if not self.legacy:
            self.identity.collect_tool_call(label, id, call.name)
        if call.name in self.custom_tools:
            return {"id": id, "type": "custom", "custom": {"name": call.name, "input": arguments}}
        return {"id": id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def usage(counted: Usage, family: OpenAiFamily) -> dict[str, Json]:
    """Return the usage. Cached tokens are part of the prompt, reasoning tokens part of the completion.

    Tokens written to a cache appear where there are any, and always in families with `cache_writes`.
    """
    if family.ended_before_2025:
        input, output = counted.input, counted.output
        return {"prompt_tokens": input, "completion_tokens": output, "total_tokens": counted.total}
    prompt = {"cached_tokens": counted.cache_read, "audio_tokens": 0}
    completion = {
        "reasoning_tokens": counted.reasoning,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
    if counted.cache_write or family.cache_writes:
        prompt["cache_write_tokens"] = counted.cache_write
    if family.counts_media_tokens:
        prompt |= {"text_tokens": counted.input, "image_tokens": 0}
        completion["text_tokens"] = counted.output
    return {
        "prompt_tokens": counted.input,
        "completion_tokens": counted.output,
        "total_tokens": counted.total,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": completion,
    }


def supported_reply(reply: Reply, request: ChatRequest) -> Reply:
    """Return the reply without the parts that this protocol does not show (`is_hidden`): reasoning, media, native
    parts of other protocols, and items of Responses. The first audio of a choice is shown where the request wants it,
    in chunks."""
    if not any(is_hidden(part) for choice in reply.choices for part in choice.parts):
        return reply
    choices = (replace(choice, parts=_visible(choice.parts, request)) for choice in reply.choices)
    return replace(reply, choices=tuple(choices))


def _visible(parts: Sequence[Part], request: ChatRequest) -> tuple[Part, ...]:
    """Return the parts that a response shows."""
    visible: list[Part] = []
    wanted = request.audio_format
    for part in parts:
        if wanted is not None and type(part) is Media and part.kind == "audio":
            visible.append(_audio(part, wanted, request.user or ""))
            wanted = None
        elif not is_hidden(part):
            visible.append(part)
    return tuple(visible)


def _audio(part: Media, wanted: str, user_text: str) -> Media:
    """Return audio in chunks. Generated audio has the wanted format, and a pitch that follows from the user text."""
    if part.generated:
        seconds = DEFAULT_SECONDS if part.seconds is None else part.seconds
        data = make_audio("pcm" if wanted == "pcm16" else wanted, seconds, user_text)
        part = replace(part, data=b64encode(data).decode(), generated=False)
    starts = range(0, len(part.data), AUDIO_CHUNK)
    return replace(part, chunks=tuple(part.data[start : start + AUDIO_CHUNK] for start in starts))


def with_one_tool_call(reply: Reply) -> Reply:
    """Return the reply with the first call of each choice: a message has one `function_call`."""
    return replace(reply, choices=tuple(_first_call(choice) for choice in reply.choices))


def _first_call(choice: Choice) -> Choice:
    calls = [index for index, part in enumerate(choice.parts) if type(part) is ToolCall]
    parts = tuple(part for index, part in enumerate(choice.parts) if index not in calls[1:])
    return replace(choice, parts=parts)


def is_hidden(part: Part) -> bool:
    if type(part) is NativePart:  # an item of the responses protocol has a `type`; a delta has none
        return part.dialect != "openai" or type(part.block) is not dict or "type" in part.block
    return type(part) in (Thinking, Media)


def annotations_of(parts: Sequence[Part]) -> list[Json]:
    """Return the sources of these parts' texts; positions count through all of them."""
    annotations: list[Json] = []
    before = 0
    for part in parts:
        if type(part) is not Text:
            continue
        for citation in part.citations:
            start, end = span(citation, full_text(part))
            positions = {"end_index": before + end, "start_index": before + start}
            source = {**positions, "title": citation.title or citation.url, "url": citation.url}
            annotations.append({"type": "url_citation", "url_citation": source})
        before += len(full_text(part))
    return annotations


def message(choice: Choice, number: int, response_fields: ChatResponseFields) -> dict[str, Json]:
    """Return the message of a non-streaming response. Its content is null where the choice has calls or a refusal
    and no text. It is null for audio, too: then the text is the transcript."""
    text = refusal = None
    calls: list[Json] = []
    native_fields: dict[str, Json] = {}
    for part in choice.parts:
        if type(part) is Text:
            text = (text or "") + full_text(part)
        elif type(part) is ToolCall:
            calls.append(response_fields.tool_call_object(part, number, len(calls), joined_text(part.chunks)))
        elif type(part) is Refusal:
            refusal = (refusal or "") + joined_text(part.chunks)
        elif type(part) is NativePart and not is_hidden(part):
            native_fields |= part.block
    result: dict[str, Json] = {"role": "assistant", "content": text or ""}
    audio = response_fields.audio(choice)
    if audio is not None:
        native_fields["audio"] = {
            "id": response_fields.audio_id(number),
            "data": audio.data,
            "expires_at": response_fields.created + AUDIO_LIFETIME,
            "transcript": text or "",
        }
        text = None
    if not text and (calls or refusal is not None or audio is not None):
        result["content"] = None
    if calls and response_fields.legacy:
        result["function_call"] = calls[0]["function"]
    elif calls:
        result["tool_calls"] = calls
    if refusal is not None or not response_fields.model_family.ended_before_2025:
        result["refusal"] = refusal
    if not response_fields.model_family.ended_before_2025:
        result["annotations"] = annotations_of(choice.parts)
    return {**result, **native_fields} if native_fields else result


def body(reply: Reply, response_fields: ChatResponseFields) -> dict[str, Json]:
    """Return the object of a non-streaming response."""
    choices = []
    for number, choice in enumerate(reply.choices):
        entry: dict[str, Json] = {"index": number, "message": message(choice, number, response_fields)}
        if response_fields.logprobs is not None:
            entry["logprobs"] = logprobs.choice_logprobs(choice, response_fields.logprobs)
        elif response_fields.model_family.logprobs:
            entry["logprobs"] = None
        entry["finish_reason"] = response_fields.finish(choice)
        choices.append(entry)
    result = response_fields.members_before_choices("chat.completion")
    result["choices"] = choices
    result["usage"] = usage(reply.usage, response_fields.model_family)
    result |= response_fields.members_after_choices()
    if response_fields.moderation is not None:
        result["moderation"] = response_fields.moderation
    extras = reply.extras.get("openai")
    return reply.usage.null_or_remove_usage(merged_json(result, extras) if extras else result, "usage")
