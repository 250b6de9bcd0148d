"""The chunks of a chat completion that is streamed. A chunk is put together from bytes that are rendered once an
answer, since most of it repeats.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event
from mockllm.core.rendering.plan import Kind
from mockllm.core.reply.reply import (
    Call,
    NativePart,
    Refusal,
    Reply,
    Text,
)
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.body import (
    cited,
    response_fields,
    supported_reply,
    usage,
)
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.errors import error_object
from mockllm.dialects.openai.logprobs import StreamedLogprobs
from mockllm.dialects.openai.stream_padding import padding

FUNCTION_PIECE: Final = b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}'
CUSTOM_PIECE: Final = b'{"tool_calls":[{"index":%d,"custom":{"input":%b}}]}'
PLACED: Final = ("object", "choices", "usage", "moderation")
"""The extras that do not stand in every chunk: they have a chunk of their own, or none."""


class ChatEncoder(Encoder):
    """The chunks of a stream. A Native part's block is a delta as it stands."""

    def __init__(self, reply: Reply, request: ChatRequest, stamp: ResponseIdentity) -> None:
        super().__init__(supported_reply(reply))
        self._request, self._stamp = request, stamp
        self._facts = facts = response_fields(reply, request, stamp)
        extras = reply.extras.get("openai", {})
        own = {key: value for key, value in extras.items() if key not in PLACED}
        top = {**facts.top("chat.completion.chunk"), **facts.foot(), **own}
        self._top = dumps(top)[:-1] + b',"choices":['
        self._null = b',"logprobs":null' if facts.family.logprobs or facts.logprobs is not None else b""
        self._probabilities = None if facts.logprobs is None else StreamedLogprobs(facts.logprobs)
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
        logprobs = None
        if self._probabilities is not None and type(first) is not Call:
            logprobs = self._probabilities.say(choice, first)
        if type(first) is Call:
            if self._facts.legacy:
                self._lone.add(choice)
                delta |= {"function_call": {"name": first.name, "arguments": ""}, "refusal": None}
            elif sum(type(part) is Call for part in parts) == 1:
                self._lone.add(choice)
                delta |= {"tool_calls": [self._opening(first, choice)], "refusal": None}
        elif type(first) is Refusal:
            delta["refusal"] = ""
        else:
            delta |= {"content": "", "refusal": None}
        return (self._chunk(choice, dumps(delta), logprobs=logprobs),)

    def open(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        if type(part) is NativePart:
            return (self._chunk(at.choice, dumps(part.block)),)
        if type(part) is Call and at.choice not in self._lone:
            if self._facts.legacy:
                called = {"function_call": {"name": part.name, "arguments": ""}}
                return (self._chunk(at.choice, dumps(called)),)
            return (self._chunk(at.choice, dumps({"tool_calls": [self._opening(part, at.choice)]})),)
        return ()

    def say(self, at: EncoderPosition, piece: str) -> Iterable[Event]:
        part, said = at.part, dumps(piece)
        logprobs = None
        if type(part) is Call and self._facts.legacy:
            delta = b'{"function_call":{"arguments":%b}}' % said
        elif type(part) is Call:
            number = self._calls[at.choice] - 1
            form = CUSTOM_PIECE if part.name in self._facts.custom else FUNCTION_PIECE
            delta = form % (number, said)
        else:
            delta = (b'{"refusal":%b}' if type(part) is Refusal else b'{"content":%b}') % said
            if self._probabilities is not None:
                logprobs = self._probabilities.say(at.choice, part, piece)
        return (self._chunk(at.choice, delta, padded=len(piece), logprobs=logprobs),)

    def close(self, at: EncoderPosition) -> Iterable[Event]:
        """A text's sources stand behind it."""
        if type(at.part) is not Text or not at.part.citations:
            return ()
        parts = self.reply.choices[at.choice].parts
        told = len(cited(parts[: at.index]))
        return (self._chunk(at.choice, dumps({"annotations": cited(parts[: at.index + 1])[told:]})),)

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
        return ((dumps({"error": error_object(failure, self._request, self._stamp)}), None),)

    def _opening(self, call: Call, choice: int) -> Json:
        number = self._calls[choice]
        self._calls[choice] += 1
        return {"index": number, **self._facts.call(call, choice, number, "")}

    def _chunk(
        self,
        choice: int,
        delta: bytes,
        finish: bytes = b"null",
        padded: int = 0,
        logprobs: Json = None,
    ) -> Event:
        told = self._null if logprobs is None else b',"logprobs":' + dumps(logprobs)
        said = b'{"index":%d,"delta":%b%b,"finish_reason":%b}' % (choice, delta, told, finish)
        return self._top + said + self._tail + self._padding(padded), None

    def _padding(self, padded: int) -> bytes:
        """What pads a chunk, and its end."""
        if not self._request.obfuscated:
            return b"}"
        self._chunks += 1
        return padding(self._chunks - 1, padded) + b"}"
