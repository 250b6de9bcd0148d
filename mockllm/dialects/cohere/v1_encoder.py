"""Encodes replies as Cohere's version 1 does: the body, and the events of a stream with their form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import arguments_json
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, MemberPlace, Payload, ToolCallPlace
from mockllm.core.rendering.plan import EventKind
from mockllm.core.reply.citations import full_text
from mockllm.core.reply.reply import Choice, Finish, Reply, Text, ToolCall, joined_text
from mockllm.dialects.cohere.encoder import FINISH as V2_FINISH
from mockllm.dialects.cohere.encoder import NAME, citations_of, finish_reason, usage_of
from mockllm.dialects.cohere.errors import message_of, uuid
from mockllm.dialects.cohere.v1_request import CohereGenerateRequest, CohereV1ChatRequest, CohereV1Request
from mockllm.dialects.dialect import ResponseIdentity

FINISH: Final[dict[Finish, str]] = {**V2_FINISH, "tool_calls": "COMPLETE", "content_filter": "ERROR_TOXIC"}


def whole(reply: Reply, request: CohereV1Request, identity: ResponseIdentity, streamed: bool) -> Json:
    """Return the object of a response, which is also in the last event of a stream (`streamed`)."""
    counts = {"api_version": {"version": "1"}, **usage_of(reply.usage)}
    if not reply.usage.cache_read:
        del counts["cached_tokens"]
    if isinstance(request, CohereV1ChatRequest):
        body = _chat(reply.choices[0], counts, request, identity, streamed)
    else:
        body = {
            "id": uuid(identity, ""),
            "generations": [
                _generation(reply, number, identity, streamed) for number in range(len(reply.choices))
            ],
            **({"prompt": request.user or ""} if request.is_repeated else {}),
            "meta": {name: counts[name] for name in ("api_version", "billed_units")},
        }
    return reply.usage.null_or_remove_usage(merged_json(body, dict(reply.extras.get(NAME, {}))), "meta")


def _text(choice: Choice, streamed: bool) -> str:
    texts = (part for part in choice.parts if isinstance(part, Text))
    return "".join(joined_text(text.chunks) if streamed else full_text(text) for text in texts)


def _chat(
    choice: Choice,
    counts: dict[str, Json],
    request: CohereV1ChatRequest,
    identity: ResponseIdentity,
    streamed: bool,
) -> dict[str, Json]:
    calls = [
        {"name": call.name, "parameters": arguments_json(joined_text(call.chunks))}
        for call in choice.tool_calls
    ]
    called = {"tool_calls": calls} if calls else {}
    text, sources = _text(choice, streamed), {} if calls else _sources(choice, request)
    turn = {"role": "CHATBOT", "message": text, **called}
    return {
        "response_id": uuid(identity, "response"),
        "text": text,
        "generation_id": uuid(identity, ""),
        **({"chat_history": [*request.turns, turn]} if request.is_repeated else {}),
        "finish_reason": finish_reason(choice, FINISH),
        "meta": counts,
        **sources,
        **called,
    }


def _sources(choice: Choice, request: CohereV1ChatRequest) -> dict[str, Json]:
    """Return the citations with their places in the whole text, and the documents that they name."""
    citations: list[Json] = []
    documents: list[Json] = []
    before = 0
    for part in (part for part in choice.parts if isinstance(part, Text)):
        for cited in citations_of(part, 0, request, len(documents)):
            source = cited["sources"][0]
            documents.append({"id": source["id"], **source.get("document", source.get("tool_output"))})
            place = {name: cited[name] + before for name in ("start", "end")}
            citations.append({**place, "text": cited["text"], "document_ids": [source["id"]]})
        before += len(full_text(part))
    return {"citations": citations, "documents": documents} if citations else {}


def _generation(reply: Reply, number: int, identity: ResponseIdentity, streamed: bool) -> dict[str, Json]:
    choice, index = reply.choices[number], {"index": number} if len(reply.choices) > 1 else {}
    finish = {"finish_reason": finish_reason(choice, FINISH)}
    return {"id": uuid(identity, f"generation{number}"), **index, "text": _text(choice, streamed), **finish}


class CohereV1Encoder(Encoder):
    """The events of one response. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: CohereV1Request, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request, self._calls = request, 0
        self._response = whole(reply, request, identity, streamed=True)
        self._text_kind = "tool-calls-chunk" if "tool_calls" in self._response else "text-generation"

    def start_stream(self) -> Iterable[Event]:
        if "generation_id" in self._response:
            yield _event("stream-start", generation_id=self._response["generation_id"])

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        return (self._delta(name=at.part.name),) if isinstance(at.part, ToolCall) else ()

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        if isinstance(at.part, ToolCall):
            return (self._delta(parameters=chunk),)
        index = {"index": at.choice} if len(self.reply.choices) > 1 else {}
        return (_event(self._text_kind, text=chunk, **index),)

    def end_part(self, at: EncoderPosition) -> Iterable[Event]:
        self._calls += isinstance(at.part, ToolCall)
        return ()

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        response = self._response
        for cited in response.get("citations", ()):
            yield "close", _event("citation-generation", citations=[cited])
        if "tool_calls" in response:
            plan = {"text": response["text"]} if response["text"] else {}
            yield "close", _event("tool-calls-generation", **plan, tool_calls=response["tool_calls"])
        finish = finish_reason(self.reply.choices[0], FINISH)
        if isinstance(self._request, CohereGenerateRequest):
            response.pop("meta", None)
        yield "finish", _event("stream-end", True, response=response, finish_reason=finish)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        error = message_of(failure, self._request)
        if isinstance(self._request, CohereGenerateRequest):
            members: dict[str, Json] = {"finish_reason": "ERROR", "err": error}
            return (_event("stream-error", True, **{**members, **failure.fields}),)
        response = {"text": "", "generation_id": self._response["generation_id"], "finish_reason": "ERROR"}
        members = {"response": response, "finish_reason": "ERROR", "error": error}
        return (_event("stream-end", True, **{**members, **failure.fields}),)

    def _delta(self, **members: Json) -> Event:
        return _event("tool-calls-chunk", tool_call_delta={"index": self._calls, **members})


def _event(kind: str, finished: bool = False, /, **members: Json) -> Event:
    return dumps({"is_finished": finished, "event_type": kind, **members}), kind


class CohereV1EventLayout(EventLayout):
    """The events of /v1/chat and /v1/generate. Calls have no ids, and come whole after their chunks once more."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        if "tool_call_delta" in payload:
            delta: Json = payload["tool_call_delta"]
            arguments = MemberPlace(delta, "parameters") if "parameters" in delta else None
            yield ToolCallPlace(delta["index"], MemberPlace(delta, "index"), None, arguments)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        if payload.get("event_type") == "stream-end":
            yield FinishPlace(0, payload, ("finish_reason",), True)

    def usage(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload["response"], "meta") if "response" in payload else None

    def text(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "text") if "text" in payload else None


V1_LAYOUT: Final = CohereV1EventLayout()
