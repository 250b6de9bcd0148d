"""Encodes replies as Cohere's chat: the body, and the events of a stream with their form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, MemberPlace, Payload, ToolCallPlace
from mockllm.core.rendering.plan import EventKind
from mockllm.core.reply.citations import full_text, span
from mockllm.core.reply.logprobs import StreamedTokenLogprobs
from mockllm.core.reply.reply import (
    Choice,
    Finish,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
    joined_text,
)
from mockllm.dialects.cohere.errors import message_of, uuid
from mockllm.dialects.cohere.logprobs import logprob_item
from mockllm.dialects.cohere.request import CohereChatRequest
from mockllm.dialects.dialect import ResponseIdentity

NAME: Final = "cohere"
FINISH: Final[dict[Finish, str]] = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "tool_calls": "TOOL_CALL",
    "content_filter": "ERROR",
    "refusal": "COMPLETE",
}
_LOWER: Final = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[byte % 36] for byte in range(256))


def finish_reason(choice: Choice, values: Mapping[Finish, str] = FINISH) -> str:
    """Return the finish reason, where the end at a stop sequence has a word apart from that of a text's end."""
    stopped = choice.stopped_by is not None and choice.raw_finish is None
    return "STOP_SEQUENCE" if stopped else choice.finish_value(values)


def usage_of(usage: Usage) -> dict[str, Json]:
    """Return the token counts: those that are billed, and those of the whole prompt."""
    reasoning: dict[str, Json] = {"reasoning_tokens": usage.reasoning} if usage.reasoning else {}
    return {
        "billed_units": {"input_tokens": usage.input, "output_tokens": usage.output},
        "tokens": {"input_tokens": usage.input, "output_tokens": usage.output, **reasoning},
        "cached_tokens": usage.cache_read,
    }


def supported_reply(reply: Reply, request: CohereChatRequest) -> Reply:
    """Return the first choice with the parts that the protocol has a form for: a refusal is a text."""
    shown = [part for part in reply.choices[0].parts if _is_shown(part, request)]
    return reply.with_parts([Text(part.chunks) if type(part) is Refusal else part for part in shown])


def _is_shown(part: Part, request: CohereChatRequest) -> bool:
    if type(part) is Thinking:
        return not part.redacted and not request.omits_thinking
    return type(part) in (Text, Refusal, ToolCall)


class CohereEncoder(Encoder):
    """The events of one response. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: CohereChatRequest, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request, self._identity = request, identity
        self._blocks = self._calls = self._cited = 0
        self._plans = has_plan(reply)
        self._logprobs = StreamedTokenLogprobs(0) if request.logprobs else None

    def start_stream(self) -> Iterable[Event]:
        message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        yield _event("message-start", {"id": uuid(self._identity, "")}, {"delta": {"message": message}})

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        if self._plans and isinstance(part, Text):
            return ()
        if isinstance(part, ToolCall):
            call = tool_call_object(part, self._calls, "", self._identity)
            return (self._of_message("tool-call-start", self._calls, {"tool_calls": call}),)
        kind = "thinking" if isinstance(part, Thinking) else "text"
        return (self._of_message("content-start", self._blocks, {"content": {"type": kind, kind: ""}}),)

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        if isinstance(at.part, ToolCall):
            function = {"function": {"arguments": chunk}}
            return (self._of_message("tool-call-delta", self._calls, {"tool_calls": function}),)
        if self._plans and isinstance(at.part, Text):
            return (_event("tool-plan-delta", {}, {"delta": {"message": {"tool_plan": chunk}}}),)
        if isinstance(at.part, Thinking):
            return (self._of_message("content-delta", self._blocks, {"content": {"thinking": chunk}}),)
        message: dict[str, Json] = {"content": {"text": chunk}}
        tokens = [] if self._logprobs is None else self._logprobs.next(at.choice, chunk)
        more: dict[str, Json] = {"logprobs": logprob_item(chunk, tokens)} if tokens else {}
        return (self._of_message("content-delta", self._blocks, message, **more),)

    def end_part(self, at: EncoderPosition) -> Iterable[Event]:
        if isinstance(at.part, ToolCall):
            self._calls += 1
            return (_event("tool-call-end", {}, {"index": self._calls - 1}),)
        if self._plans and isinstance(at.part, Text):
            return ()
        self._blocks += 1
        end = _event("content-end", {}, {"index": self._blocks - 1})
        return (*self._citation_events(at.part), end) if isinstance(at.part, Text) else (end,)

    def _citation_events(self, text: Text) -> Iterable[Event]:
        for cited in citations_of(text, self._blocks - 1, self._request, self._cited):
            yield self._of_message("citation-start", self._cited, {"citations": cited})
            yield _event("citation-end", {}, {"index": self._cited})
            self._cited += 1

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        usage, finish = self.reply.usage, finish_reason(self.reply.choices[0])
        delta: dict[str, Json] = {"finish_reason": finish, "usage": usage_of(usage)}
        delta = merged_json(delta, dict(self.reply.extras.get(NAME, {})))
        yield "finish", _event("message-end", {}, {"delta": usage.null_or_remove_usage(delta, "usage")})
        yield "end", (b"[DONE]", None)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        message = message_of(failure, self._request)
        delta: dict[str, Json] = {"error": message, "finish_reason": "ERROR", **failure.fields}
        return (_event("message-end", {}, {"delta": delta}),)

    def _of_message(self, kind: str, index: int, content: dict[str, Json], **more: Json) -> Event:
        return _event(kind, {}, {"index": index, "delta": {"message": content}, **more})


def _event(kind: str, first: dict[str, Json], rest: dict[str, Json]) -> Event:
    return dumps({**first, "type": kind, **rest}), kind


def tool_call_object(
    call: ToolCall, number: int, arguments: str, identity: ResponseIdentity
) -> dict[str, Json]:
    """Return a call. Its id begins with the name of the tool."""
    id = call.id if call.id is not None else identity.ids.make(f"{call.name}_", 12, str(number), _LOWER)
    return {"id": id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def has_plan(reply: Reply) -> bool:
    """Return whether the texts are a plan: those beside calls are (`tool_plan`)."""
    return bool(reply.choices[0].tool_calls)


def citations_of(text: Text, block: int, request: CohereChatRequest, before: int) -> list[Json]:
    """Return the citations of a text, which is the content `block`; `before` is the number of earlier ones. A source
    is the result of a tool where the request has one, else a document (`Citation` and `Source` of cohere 7.3)."""
    tool = request.cites_results
    whole_text = full_text(text)
    cited: list[Json] = []
    for number, citation in enumerate(text.citations, before):
        start, end = span(citation, whole_text)
        id = f"{'call' if tool else 'doc'}:{number}"
        about = {"title": citation.title or citation.url, "url": citation.url, "text": citation.quote or ""}
        source = (
            {"type": "tool", "id": id, "tool_output": about}
            if tool
            else {"type": "document", "id": id, "document": {"id": id, **about}}
        )
        place: dict[str, Json] = {"content_index": block} if block else {}
        text_cited = whole_text[start:end]
        cited.append(
            {
                "start": start,
                "end": end,
                "text": text_cited,
                "sources": [source],
                "type": "TEXT_CONTENT",
                **place,
            }
        )
    return cited


def whole(reply: Reply, request: CohereChatRequest, identity: ResponseIdentity) -> dict[str, Json]:
    """Return the message of a non-streaming response."""
    content: list[Json] = []
    cited: list[Json] = []
    plan: list[str] = []
    calls: list[Json] = []
    message: dict[str, Json] = {"role": "assistant"}
    for part in reply.choices[0].parts:
        if isinstance(part, Thinking):
            content.append({"type": "thinking", "thinking": joined_text(part.chunks)})
        elif isinstance(part, ToolCall):
            calls.append(tool_call_object(part, len(calls), joined_text(part.chunks), identity))
        elif has_plan(reply):
            assert isinstance(part, Text)
            plan.append(full_text(part))
        else:
            assert isinstance(part, Text)
            cited += citations_of(part, len(content), request, len(cited))
            content.append({"type": "text", "text": full_text(part)})
    if plan:
        message["tool_plan"] = "".join(plan)
    if content or not calls:
        message["content"] = content
    if calls:
        message["tool_calls"] = calls
    return {**message, "citations": cited} if cited else message


class CohereEventLayout(EventLayout):
    """The events of /v2/chat, with their content in `delta.message`."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        kind = payload.get("type")
        index = MemberPlace(payload, "index")
        if kind in ("tool-call-start", "tool-call-delta"):
            call: Json = payload["delta"]["message"]["tool_calls"]
            arguments = MemberPlace(call["function"], "arguments")
            id = MemberPlace(call, "id") if kind == "tool-call-start" else None
            yield ToolCallPlace(payload["index"], index, id, arguments)
        elif kind == "tool-call-end":
            yield ToolCallPlace(payload["index"], index)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        if payload.get("type") == "message-end":
            yield FinishPlace(0, payload["delta"], ("finish_reason",), True)

    def usage(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload["delta"], "usage") if payload.get("type") == "message-end" else None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        if payload.get("type") == "message-start":
            yield MemberPlace(payload["delta"]["message"], "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        if payload.get("type") == "tool-plan-delta":
            plan: Json = payload["delta"]
            return MemberPlace(plan["message"], "tool_plan")
        if payload.get("type") != "content-delta":
            return None
        content: Json = payload["delta"]["message"]["content"]
        return MemberPlace(content, "text") if "text" in content else None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "delta")


COHERE_LAYOUT: Final = CohereEventLayout()
