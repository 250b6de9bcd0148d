"""A whole chat completion, and what it shares with the chunks of a stream: the facts that stand at the top of both
(`Answered`), calls, and what this protocol shows of a reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.randomness import Ids
from mockllm.core.reply.citations import full_text, span
from mockllm.core.reply.reply import (
    Call,
    Choice,
    Finish,
    Media,
    NativePart,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    Usage,
    joined_text,
)
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai import logprobs
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.model_families import DEFAULT_MODEL, OpenAiFamily, family, snapshot

FINISH: Final[dict[Finish, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "stop",
}


class ChatResponseFields(Struct):
    """What an answer says beside the reply itself. `forced`: the request named the one function to call,
    which ends an answer with `stop` instead of `tool_calls`. `custom` are the tools that take free text."""

    id: str
    created: int
    model: str
    tier: str
    family: OpenAiFamily
    ids: Ids
    forced: bool
    custom: frozenset[str]
    legacy: bool = False
    """Whether a call is said as a `function_call`, of which a message has one and which has no id."""
    logprobs: int | None = None
    """How many likeliest tokens each place tells; None where it tells no probabilities."""

    def top(self, kind: str) -> dict[str, Json]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def foot(self) -> dict[str, Json]:
        if self.family.tier:
            return {"service_tier": self.tier, "system_fingerprint": self.family.fingerprint}
        return {"system_fingerprint": self.family.fingerprint}

    def finish(self, choice: Choice) -> str:
        if self.forced and choice.finish == "tool_calls":
            return "stop"
        return "function_call" if self.legacy and choice.finish == "tool_calls" else FINISH[choice.finish]

    def call(self, call: Call, choice: int, number: int, said: str) -> dict[str, Json]:
        """A call that says so much of its arguments; `number` counts the choice's calls."""
        id = call.id if call.id is not None else self.ids.make("call_", 24, f"{choice}.{number}")
        if call.name in self.custom:
            return {"id": id, "type": "custom", "custom": {"name": call.name, "input": said}}
        return {"id": id, "type": "function", "function": {"name": call.name, "arguments": said}}


def response_fields(reply: Reply, request: ChatRequest, stamp: ResponseIdentity) -> ChatResponseFields:
    model = reply.model if reply.model is not None else snapshot(request.model or DEFAULT_MODEL)
    return ChatResponseFields(
        id=stamp.ids.make("chatcmpl-", 29),
        created=stamp.second,
        model=model,
        tier=request.service_tier,
        family=family(model),
        ids=stamp.ids,
        forced=request.forced,
        custom=request.custom,
        legacy=request.legacy,
        logprobs=request.logprobs,
    )


def usage(counted: Usage) -> dict[str, Json]:
    """Cached tokens are part of the prompt, reasoning tokens part of the completion. Tokens written to
    a cache are told where there are any: the SDK knows them, and no recording has them yet."""
    prompt = {"cached_tokens": counted.cached_read, "audio_tokens": 0}
    if counted.cache_write:
        prompt["cache_write_tokens"] = counted.cache_write
    return {
        "prompt_tokens": counted.input,
        "completion_tokens": counted.output,
        "total_tokens": counted.total,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": counted.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def supported_reply(reply: Reply) -> Reply:
    """The reply without what this protocol never shows: reasoning, and other dialects' own blocks."""
    for choice in reply.choices:
        for part in choice.parts:
            if hidden(part):
                return replace(reply, choices=tuple(_seen(choice) for choice in reply.choices))
    return reply


def one_call(reply: Reply) -> Reply:
    """The reply with the first call of each choice: a message has one `function_call`."""
    return replace(reply, choices=tuple(_first_call(choice) for choice in reply.choices))


def _first_call(choice: Choice) -> Choice:
    calls = [place for place, part in enumerate(choice.parts) if type(part) is Call]
    kept = tuple(part for place, part in enumerate(choice.parts) if place not in calls[1:])
    return replace(choice, parts=kept)


def _seen(choice: Choice) -> Choice:
    return replace(choice, parts=tuple(part for part in choice.parts if not hidden(part)))


def hidden(part: Part) -> bool:
    if (
        type(part) is NativePart
    ):  # an item of the responses protocol says its type; a piece of a message has none
        return part.dialect != "openai" or type(part.block) is not dict or "type" in part.block
    return type(part) in (Thinking, Media)


def cited(parts: Sequence[Part]) -> list[Json]:
    """The sources of these parts' texts; places are counted through all of them."""
    made: list[Json] = []
    before = 0
    for part in parts:
        if type(part) is not Text:
            continue
        for citation in part.citations:
            start, end = span(citation, full_text(part))
            told = {"end_index": before + end, "start_index": before + start}
            named = {**told, "title": citation.title or citation.url, "url": citation.url}
            made.append({"type": "url_citation", "url_citation": named})
        before += len(full_text(part))
    return made


def message(choice: Choice, number: int, facts: ChatResponseFields) -> dict[str, Json]:
    """The message of a whole answer; its content is null where it calls or refuses and says nothing."""
    text = refusal = None
    calls: list[Json] = []
    own: dict[str, Json] = {}
    for part in choice.parts:
        if type(part) is Text:
            text = (text or "") + full_text(part)
        elif type(part) is Call:
            calls.append(facts.call(part, number, len(calls), joined_text(part.chunks)))
        elif type(part) is Refusal:
            refusal = (refusal or "") + joined_text(part.chunks)
        elif type(part) is NativePart and not hidden(part):
            own |= part.block
    made: dict[str, Json] = {"role": "assistant", "content": text or ""}
    if not text and (calls or refusal is not None):
        made["content"] = None
    if calls and facts.legacy:
        made["function_call"] = calls[0]["function"]
    elif calls:
        made["tool_calls"] = calls
    made["refusal"] = refusal
    made["annotations"] = cited(choice.parts)
    return {**made, **own} if own else made


def body(reply: Reply, facts: ChatResponseFields) -> dict[str, Json]:
    """The whole answer's object."""
    choices = []
    for number, choice in enumerate(reply.choices):
        one: dict[str, Json] = {"index": number, "message": message(choice, number, facts)}
        if facts.logprobs is not None:
            one["logprobs"] = logprobs.choice_logprobs(choice, facts.logprobs)
        elif facts.family.logprobs:
            one["logprobs"] = None
        one["finish_reason"] = facts.finish(choice)
        choices.append(one)
    made = facts.top("chat.completion")
    made["choices"] = choices
    made["usage"] = usage(reply.usage)
    made |= facts.foot()
    extras = reply.extras.get("openai")
    return reply.usage.tell({**made, **extras} if extras else made, "usage")
