"""Chat completions on the wire: a Reply as one body or as chunks.

Both forms are built from the same facts (`Answered`): what stands at the top of the body and of every
chunk. A chunk is put together from bytes that are rendered once an answer, since most of it repeats.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from mockllm.core.chance import Ids
from mockllm.core.encoder import At, Encoder, Event, encode
from mockllm.core.failure import Failure
from mockllm.core.json import Json, dumps, pretty
from mockllm.core.plan import Data, Framing, Kind, Plan
from mockllm.core.remembered import Memo
from mockllm.core.reply import (
    Call,
    Choice,
    Finish,
    Native,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    Usage,
    spoken,
)
from mockllm.core.request import Request
from mockllm.dialects.asking import Asked, Wish
from mockllm.dialects.dialect import Stamp
from mockllm.dialects.hearing import Heard
from mockllm.dialects.openai.asking import compose
from mockllm.dialects.openai.chat_check import check, unreadable
from mockllm.dialects.openai.chat_memory import memo
from mockllm.dialects.openai.chat_request import ChatRequest
from mockllm.dialects.openai.errors import error_plan, inner
from mockllm.dialects.openai.families import DEFAULT_MODEL, Family, family, snapshot
from mockllm.dialects.openai.headers import STREAM_HEAD, WHOLE_HEAD, head
from mockllm.dialects.openai.hearing import hear
from mockllm.dialects.openai.padding import padding

FINISH: Final[dict[Finish, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "stop",
}
FUNCTION_PIECE: Final = b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}'
CUSTOM_PIECE: Final = b'{"tool_calls":[{"index":%d,"custom":{"input":%b}}]}'
PLACED: Final = ("object", "choices", "usage", "moderation")
"""The extras that do not stand in every chunk: they have a chunk of their own, or none."""
SHAPING: Final = frozenset(
    {"stream_options", "service_tier", "tools", "tool_choice", "functions", "function_call"}
)
"""The fields of a request that change how a given reply is written."""


@dataclass(slots=True)
class Answered:
    """What an answer says beside the reply itself. `forced`: the request named the one function to call,
    which ends an answer with `stop` instead of `tool_calls`. `custom` are the tools that take free text."""

    id: str
    created: int
    model: str
    tier: str
    family: Family
    ids: Ids
    forced: bool
    custom: frozenset[str]

    def top(self, kind: str) -> dict[str, Json]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def foot(self) -> dict[str, Json]:
        if self.family.tier:
            return {"service_tier": self.tier, "system_fingerprint": self.family.fingerprint}
        return {"system_fingerprint": self.family.fingerprint}

    def finish(self, choice: Choice) -> str:
        if self.forced and choice.finish == "tool_calls":
            return "stop"
        return FINISH[choice.finish]

    def call(self, call: Call, choice: int, number: int, said: str) -> dict[str, Json]:
        """A call that says so much of its arguments; `number` counts the choice's calls."""
        id = call.id if call.id is not None else self.ids.make("call_", 24, f"{choice}.{number}")
        if call.name in self.custom:
            return {"id": id, "type": "custom", "custom": {"name": call.name, "input": said}}
        return {"id": id, "type": "function", "function": {"name": call.name, "arguments": said}}


def answered(reply: Reply, request: ChatRequest, stamp: Stamp) -> Answered:
    model = reply.model if reply.model is not None else snapshot(request.model or DEFAULT_MODEL)
    return Answered(
        id=stamp.ids.make("chatcmpl-", 29),
        created=int(stamp.now),
        model=model,
        tier=request.service_tier,
        family=family(model),
        ids=stamp.ids,
        forced=request.forced,
        custom=request.custom,
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


def sayable(reply: Reply) -> Reply:
    """The reply without what this protocol never shows: reasoning, and other dialects' own blocks."""
    for choice in reply.choices:
        for part in choice.parts:
            if hidden(part):
                return replace(reply, choices=tuple(_seen(choice) for choice in reply.choices))
    return reply


def _seen(choice: Choice) -> Choice:
    return replace(choice, parts=tuple(part for part in choice.parts if not hidden(part)))


def hidden(part: Part) -> bool:
    if type(part) is Native:  # an item of the responses protocol says its type; a piece of a message has none
        return part.dialect != "openai" or type(part.block) is not dict or "type" in part.block
    return type(part) is Thinking


class ChatEncoder(Encoder):
    """The chunks of a stream. A Native part's block is a delta as it stands."""

    def __init__(self, reply: Reply, request: ChatRequest, stamp: Stamp) -> None:
        super().__init__(sayable(reply))
        self._request, self._stamp = request, stamp
        self._facts = facts = answered(reply, request, stamp)
        extras = reply.extras.get("openai", {})
        own = {key: value for key, value in extras.items() if key not in PLACED}
        top = {**facts.top("chat.completion.chunk"), **facts.foot(), **own}
        self._top = dumps(top)[:-1] + b',"choices":['
        self._logprobs = b',"logprobs":null' if facts.family.logprobs else b""
        self._tail = b'],"usage":null' if request.include_usage else b"]"
        self._usage = extras.get("usage", usage(reply.usage)) if reply.usage.told == "counted" else None
        self._moderation = extras.get("moderation")
        self._chunks = 0
        self._calls = [0] * len(reply.choices)
        """How many calls of each choice have been opened."""
        self._lone: set[int] = set()
        """The choices whose only call was opened by their first chunk."""

    def begin(self, choice: int) -> Iterable[Event]:
        """A lone call stands in the first chunk already; of several, each is opened in a chunk of its own."""
        parts = self.reply.choices[choice].parts
        first = parts[0] if parts else None
        delta: dict[str, Json] = {"role": "assistant", "content": None}
        if type(first) is Call:
            if sum(type(part) is Call for part in parts) == 1:
                self._lone.add(choice)
                delta |= {"tool_calls": [self._opening(first, choice)], "refusal": None}
        elif type(first) is Refusal:
            delta["refusal"] = ""
        else:
            delta |= {"content": "", "refusal": None}
        return (self._chunk(choice, dumps(delta)),)

    def open(self, at: At) -> Iterable[Event]:
        part = at.part
        if type(part) is Native:
            return (self._chunk(at.choice, dumps(part.block)),)
        if type(part) is Call and at.choice not in self._lone:
            return (self._chunk(at.choice, dumps({"tool_calls": [self._opening(part, at.choice)]})),)
        return ()

    def say(self, at: At, piece: str) -> Iterable[Event]:
        part, said = at.part, dumps(piece)
        if type(part) is Call:
            number = self._calls[at.choice] - 1
            form = CUSTOM_PIECE if part.name in self._facts.custom else FUNCTION_PIECE
            delta = form % (number, said)
        elif type(part) is Refusal:
            delta = b'{"refusal":%b}' % said
        else:
            delta = b'{"content":%b}' % said
        return (self._chunk(at.choice, delta, padded=len(piece)),)

    def end(self, choice: int) -> Iterable[Event]:
        reason = dumps(self._facts.finish(self.reply.choices[choice]))
        return (self._chunk(choice, b"{}", reason),)

    def finish(self) -> Iterable[tuple[Kind, Event]]:
        if self._request.include_usage and self.reply.usage.told != "missing":
            yield "usage", (self._top + b'],"usage":' + dumps(self._usage) + self._padding(0), None)
        if self._moderation is not None:
            payload = self._top + b'],"moderation":' + dumps(self._moderation) + self._tail[1:]
            yield "usage", (payload + self._padding(0), None)
        yield "end", (b"[DONE]", None)

    def fail(self, failure: Failure) -> Iterable[Event]:
        return ((dumps({"error": inner(failure, self._request, self._stamp)}), None),)

    def _opening(self, call: Call, choice: int) -> Json:
        number = self._calls[choice]
        self._calls[choice] += 1
        return {"index": number, **self._facts.call(call, choice, number, "")}

    def _chunk(self, choice: int, delta: bytes, finish: bytes = b"null", padded: int = 0) -> Event:
        said = b'{"index":%d,"delta":%b%b,"finish_reason":%b}' % (choice, delta, self._logprobs, finish)
        return self._top + said + self._tail + self._padding(padded), None

    def _padding(self, padded: int) -> bytes:
        """What pads a chunk, and its end."""
        if not self._request.obfuscated:
            return b"}"
        self._chunks += 1
        return padding(self._chunks - 1, padded) + b"}"


def message(choice: Choice, number: int, facts: Answered) -> dict[str, Json]:
    """The message of a whole answer; its content is null where it calls or refuses and says nothing."""
    text = refusal = None
    calls: list[Json] = []
    own: dict[str, Json] = {}
    for part in choice.parts:
        if type(part) is Text:
            said = part.whole if part.whole is not None else spoken(part.pieces)
            text = said if text is None else text + said
        elif type(part) is Call:
            calls.append(facts.call(part, number, len(calls), spoken(part.pieces)))
        elif type(part) is Refusal:
            refusal = (refusal or "") + spoken(part.pieces)
        elif type(part) is Native and not hidden(part):
            own |= part.block
    made: dict[str, Json] = {"role": "assistant", "content": text or ""}
    if not text and (calls or refusal is not None):
        made["content"] = None
    if calls:
        made["tool_calls"] = calls
    made["refusal"] = refusal
    made["annotations"] = []
    return {**made, **own} if own else made


def body(reply: Reply, facts: Answered) -> dict[str, Json]:
    """The whole answer's object."""
    choices = []
    for number, choice in enumerate(reply.choices):
        said: dict[str, Json] = {"index": number, "message": message(choice, number, facts)}
        if facts.family.logprobs:
            said["logprobs"] = None
        said["finish_reason"] = facts.finish(choice)
        choices.append(said)
    made = facts.top("chat.completion")
    made["choices"] = choices
    made["usage"] = usage(reply.usage)
    made |= facts.foot()
    extras = reply.extras.get("openai")
    return reply.usage.tell({**made, **extras} if extras else made, "usage")


class Chat:
    """POST /v1/chat/completions."""

    name = "openai"
    api = "chat"
    generates = True
    request = ChatRequest

    def check(self, request: Request) -> Failure | None:
        return check(request)

    def unreadable(self, request: Request) -> Failure | None:
        return unreadable(request)

    def error(self, failure: Failure, request: Request, stamp: Stamp) -> Plan:
        return error_plan(failure, request, stamp)

    def sayable(self, reply: Reply, request: Request) -> Reply:
        return sayable(reply)

    def whole(self, reply: Reply, request: Request, stamp: Stamp) -> Plan:
        assert isinstance(request, ChatRequest)
        said = pretty(body(reply, answered(reply, request, stamp))) + b"\n"
        return Plan(head(200, WHOLE_HEAD, stamp), (Data(said, 0, "body"),))

    def stream(self, reply: Reply, request: Request, stamp: Stamp) -> Plan:
        assert isinstance(request, ChatRequest)
        steps = tuple(encode(ChatEncoder(reply, request, stamp)))
        return Plan(head(200, STREAM_HEAD, stamp), steps, Framing.SSE)

    def variant(self, request: Request) -> Hashable:
        assert isinstance(request, ChatRequest)
        if SHAPING.isdisjoint(request.fields):
            return None
        return (
            request.include_usage,
            request.obfuscated,
            request.service_tier,
            request.forced,
            request.custom,
        )

    def memo(self, plan: Plan, request: Request) -> Memo | None:
        assert isinstance(request, ChatRequest)
        return memo(plan, request)

    def compose(self, wish: Wish) -> Asked:
        return compose(wish)

    def heard(self, plan: Plan) -> Heard | None:
        return hear(plan)
