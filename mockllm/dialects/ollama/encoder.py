"""Encodes replies as Ollama's generations: the body, and the lines of a stream with their form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, MemberPlace, Payload, ToolCallPlace
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.rendering.plan import EventKind
from mockllm.core.reply.citations import full_text
from mockllm.core.reply.logprobs import StreamedTokenLogprobs
from mockllm.core.reply.reply import (
    Choice,
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
from mockllm.dialects.ollama.context import token_numbers
from mockllm.dialects.ollama.errors import error_object
from mockllm.dialects.ollama.logprobs import logprobs_member
from mockllm.dialects.ollama.request import (
    DEFAULT_MODEL,
    GenerationRequest,
    OllamaChatRequest,
    OllamaGenerateRequest,
)

NDJSON: Final = (("content-type", "application/x-ndjson"),)
NAME: Final = "ollama"
LOAD_DURATION: Final = 109_557_375
PROMPT_TOKEN_DURATION: Final = 8_073_776
TOKEN_DURATION: Final = 7_836_538
"""Nanoseconds of the load, of a token of the prompt and of one of the reply: constants from a recording, because
nothing is computed."""
NO_LOGPROBS: Final[Mapping[str, Json]] = {}
_LOWER: Final = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[byte % 36] for byte in range(256))


def created_at(identity: ResponseIdentity) -> str:
    """Return the time as RFC 3339 with a fraction, which this server does not measure."""
    return map_placeholder(_rfc3339, identity.epoch_second)


def _rfc3339(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.017589Z")


def counts(usage: Usage) -> dict[str, Json]:
    """Return the token counts and the durations; null or nothing in place of the counts, where a fault sets it."""
    prompt, output = usage.input * PROMPT_TOKEN_DURATION, usage.output * TOKEN_DURATION
    durations = {"total_duration": LOAD_DURATION + prompt + output, "load_duration": LOAD_DURATION}
    if usage.presence == "missing":
        return {**durations, "prompt_eval_duration": prompt, "eval_duration": output}
    counted = usage.presence == "counted"
    return {
        **durations,
        "prompt_eval_count": usage.input if counted else None,
        "prompt_eval_duration": prompt,
        "eval_count": usage.output if counted else None,
        "eval_duration": output,
    }


def arguments_of(call: ToolCall) -> dict[str, Json] | None:
    """Return a call's arguments; None where they are no JSON object. An empty text is no arguments."""
    text = joined_text(call.chunks)
    try:
        arguments = loads(text) if text.strip() else {}
    except JSONDecodeError:
        return None
    return arguments if type(arguments) is dict else None


def supported_reply(reply: Reply, *, calls: bool, thinking: bool) -> Reply:
    """Return the first choice with the parts that the call has a form for. A refusal is a text, and a call arrives
    in one chunk. `calls`: whether it has calls. `thinking`: whether the request wants thinking."""
    shown = [_visible(part) for part in reply.choices[0].parts if _is_shown(part, calls, thinking)]
    return reply.with_parts(shown)


def _is_shown(part: Part, calls: bool, thinking: bool) -> bool:
    if type(part) is ToolCall:
        return calls and arguments_of(part) is not None
    if type(part) is Thinking:
        return thinking and not part.redacted
    if type(part) is NativePart:
        return part.dialect == NAME and type(part.block) is dict
    return type(part) in (Text, Refusal)


def _visible(part: Part) -> Part:
    if type(part) is Refusal:
        return Text(part.chunks)
    return part.in_one_chunk() if type(part) is ToolCall else part


class ContentForm:
    """Where a call's objects contain the reply: /api/chat in a message, /api/generate at the top."""

    def __init__(self, reply: Reply, request: GenerationRequest, identity: ResponseIdentity) -> None:
        self.reply, self.identity = reply, identity
        self.model = reply.model or request.model or DEFAULT_MODEL
        self.chat = isinstance(request, OllamaChatRequest)
        self.context = request.prompt_numbers if isinstance(request, OllamaGenerateRequest) else None
        self.extras = dict(reply.extras.get(NAME, {}))

    def object(self, content: dict[str, Json], **more: Json) -> dict[str, Json]:
        """Return an object with this content: `content`, `thinking` and `tool_calls`."""
        top: dict[str, Json] = {"model": self.model, "created_at": created_at(self.identity)}
        if self.chat:
            return {**top, "message": {"role": "assistant", **content}, **more}
        text = content.pop("content", "")
        return {**top, "response": text, **content, **more}

    def last(self, content: dict[str, Json], logprobs: Mapping[str, Json] = NO_LOGPROBS) -> dict[str, Json]:
        """Return the object that ends the response. `logprobs` is the member with them, where it has any."""
        choice = self.reply.choices[0]
        reason = choice.raw_finish or ("length" if choice.finish == "length" else "stop")
        more: dict[str, Json] = {"done": True, "done_reason": reason}
        if self.context is not None:
            more["context"] = [*self.context, *token_numbers(choice.text)]
        result: dict[str, Json] = {**self.object(content, **more), **logprobs, **counts(self.reply.usage)}
        return {**result, **merged_json(result, self.extras)}

    def tool_call_object(self, call: ToolCall, number: int) -> Json:
        id = call.id if call.id is not None else self.identity.ids.make("call_", 8, str(number), _LOWER)
        function = {"index": number, "name": call.name, "arguments": arguments_of(call)}
        return {"id": id, "function": function}


class OllamaEncoder(Encoder):
    """The lines of one response. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: GenerationRequest, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request = request
        self._form = ContentForm(reply, request, identity)
        self._logprobs = None if request.logprobs is None else StreamedTokenLogprobs(request.logprobs)
        self._calls = 0

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        return (self._line({"content": "", **at.part.block}),) if type(at.part) is NativePart else ()

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        if type(at.part) is ToolCall:
            self._calls += 1
            calls = [self._form.tool_call_object(at.part, self._calls - 1)]
            return (self._line({"content": "", "tool_calls": calls}),)
        if type(at.part) is Thinking:
            return (self._line({"content": "", "thinking": chunk}),)
        logprobs = {} if self._logprobs is None else logprobs_member(self._logprobs.next(at.choice, chunk))
        return (self._line({"content": chunk}, **logprobs),)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        yield "finish", (dumps(self._form.last({"content": ""})), None)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return ((dumps(error_object(failure, self._request)), None),)

    def _line(self, content: dict[str, Json], **more: Json) -> Event:
        return dumps(self._form.object(content, done=False, **more)), None


def whole(choice: Choice, form: ContentForm) -> dict[str, Json]:
    """Return the content of a non-streaming response."""
    content: dict[str, Json] = {"content": ""}
    calls: list[Json] = []
    for part in choice.parts:
        if type(part) is Text:
            content["content"] += full_text(part)
        elif type(part) is Thinking:
            content["thinking"] = content.get("thinking", "") + joined_text(part.chunks)
        elif type(part) is ToolCall:
            calls.append(form.tool_call_object(part, len(calls)))
        else:
            assert isinstance(part, NativePart)  # a supported reply has no other parts
            content |= part.block
    return {**content, "tool_calls": calls} if calls else content


class OllamaEventLayout(EventLayout):
    """The lines of /api/chat and /api/generate. A call comes whole, with its arguments as an object."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        message: Json = payload.get("message", {})
        for call in message.get("tool_calls", ()):
            function = call["function"]
            index, arguments = MemberPlace(function, "index"), MemberPlace(function, "arguments")
            yield ToolCallPlace(call.get("id", len(opened)), index, MemberPlace(call, "id"), arguments)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        if "done" in payload:
            yield FinishPlace(0, payload, ("done", "done_reason"), bool(payload["done"]))

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        if "message" in payload:
            yield MemberPlace(payload["message"], "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        if "message" in payload:
            return MemberPlace(payload["message"], "content")
        return MemberPlace(payload, "response") if "response" in payload else None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "message" if "message" in payload else "response")


OLLAMA_LAYOUT: Final = OllamaEventLayout()
