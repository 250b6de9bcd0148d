"""Legacy completions. Requests have prompts instead of messages. Responses have the texts of a Reply as one body or
as chunks.

The protocol has no roles, calls or refusals. The text of a refusal is sent as text, everything else is omitted. In
recordings of 2025 and 2026, the last chunk of a truncated text contains the finish reason. A complete text has a
separate last chunk for the reason.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import EventKind, Framing, Plan
from mockllm.core.reply.logprobs import part_token_texts, token_logprobs
from mockllm.core.reply.reply import Choice, Finish, Reply, Text, Usage, texts_of
from mockllm.core.request.request import Request
from mockllm.core.tokens import split
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.completions_request import CompletionsRequest, check
from mockllm.dialects.openai.errors import error_object
from mockllm.dialects.openai.event_layouts import COMPLETIONS_LAYOUT
from mockllm.dialects.openai.headers import BODY_HEADERS, STREAM_HEADERS, body_plan, head
from mockllm.dialects.openai.logprobs import columns
from mockllm.dialects.openai.request_builder import build_completions

DEFAULT_MODEL: Final = "gpt-3.5-turbo-instruct"
SNAPSHOTS: Final = {
    "gpt-3.5-turbo-instruct": "gpt-3.5-turbo-instruct:20230824-v2",
    "davinci-002": "davinci:2023-07-21-v2",
    "babbage-002": "babbage:2023-07-21-v2",
}
FINISH: Final[dict[Finish, str]] = {"length": "length", "content_filter": "content_filter"}
"""The finish reasons other than `stop`."""


def top_fields(identity: ResponseIdentity) -> dict[str, Json]:
    """Return the fields at the top of the body and of every event, except the model."""
    return {
        "id": identity.ids.make("cmpl-", 29),
        "object": "text_completion",
        "created": identity.epoch_second,
    }


def model(reply: Reply, request: Request) -> str:
    requested = request.model or DEFAULT_MODEL
    return reply.model if reply.model is not None else SNAPSHOTS.get(requested, requested)


def finish(choice: Choice) -> str:
    return choice.raw_finish or FINISH.get(choice.finish, "stop")


def usage(counted: Usage) -> dict[str, Json]:
    """Return the three token counts and nothing else."""
    return {
        "prompt_tokens": counted.input,
        "completion_tokens": counted.output,
        "total_tokens": counted.total,
    }


def supported_reply(reply: Reply, request: CompletionsRequest) -> Reply:
    """Return the reply's texts and the text of its refusals, after the prompts where the request echoes them."""
    echoed = request.echoed
    choices = []
    for number, choice in enumerate(reply.choices):
        prompt = (Text((echoed[number],)),) if number < len(echoed) and echoed[number] else ()
        choices.append(replace(choice, parts=(*prompt, *texts_of(choice.parts))))
    return replace(reply, choices=tuple(choices))


class CompletionsEncoder(Encoder):
    """The events of a stream. The reply is already a supported reply; a prompt is echoed once."""

    def __init__(self, reply: Reply, request: CompletionsRequest, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request, self._identity = request, identity
        extras = {
            key: value
            for key, value in reply.extras.get("openai", {}).items()
            if key not in ("usage", "choices")
        }
        self._top = dumps(top_fields(identity))[:-1] + b',"choices":['
        self._tail = (
            b'],"model":' + dumps(model(reply, request)) + (b"," + dumps(extras)[1:-1] if extras else b"")
        )
        self._null_usage = b',"usage":null}' if request.include_usage else b"}"
        self._remaining = [_chunk_count(choice) for choice in reply.choices]
        """The number of chunks of each choice that are still to send."""
        self._columns = _columns(reply, request)

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        self._remaining[at.choice] -= 1
        cut = self._remaining[at.choice] == 0 and self._joined(at.choice)
        logprobs = self._columns[at.choice].next(split(chunk)) if self._columns else None
        return (self._event(at.choice, dumps(chunk), b'"length"' if cut else b"null", dumps(logprobs)),)

    def end_choice(self, choice: int) -> Iterable[Event]:
        if self._joined(choice):
            return ()
        return (self._event(choice, b'""', dumps(finish(self.reply.choices[choice]))),)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        if self._request.include_usage and self.reply.usage.presence != "missing":
            counted = merged_json(
                usage(self.reply.usage), self.reply.extras.get("openai", {}).get("usage", {})
            )
            counted = counted if self.reply.usage.presence == "counted" else None
            yield "usage", (self._top + self._tail + b',"usage":' + dumps(counted) + b"}", None)
        yield "end", (b"[DONE]", None)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        error = {"error": error_object(failure, self._request, self._identity)}
        if not failure.in_chunk:
            return ((dumps(error), None),)
        event, name = self._event(0, b'""', b'"error"')
        return ((event[:-1] + b"," + dumps(error)[1:], name),)

    def _joined(self, choice: int) -> bool:
        """Return whether the event of the last chunk of a choice contains the finish reason of a truncated text."""
        reply_choice = self.reply.choices[choice]
        return (
            finish(reply_choice) == "length"
            and self.reply.has_finish_reason
            and _chunk_count(reply_choice) > 0
        )

    def _event(self, choice: int, text: bytes, reason: bytes, logprobs: bytes = b"null") -> Event:
        form = b'{"text":%b,"index":%d,"logprobs":%b,"finish_reason":%b}'
        payload = form % (text, choice, logprobs, reason)
        return self._top + payload + self._tail + self._null_usage, None


class Columns:
    """The probabilities of a choice's tokens during a stream."""

    def __init__(self, top: int, offset: int, *, opening: bool) -> None:
        self._top, self._offset, self._opening = top, offset, opening
        self._place = 0

    def next(self, tokens: list[str]) -> Json:
        logprobs = token_logprobs(tokens, self._top, self._place)
        result = columns(logprobs, self._offset, opening=self._opening, top=self._top)
        self._place += len(tokens)
        self._offset += sum(map(len, tokens))
        self._opening = self._opening and not tokens
        return result


def _columns(reply: Reply, request: CompletionsRequest) -> list[Columns]:
    """Return the probabilities of each choice; an empty list where the request has no `logprobs`.

    No token precedes an echoed prompt. A scenario's choices beyond the requested number follow no prompt.
    """
    likeliest, offsets, echoed = request.logprobs, request.offsets, request.echoed
    if likeliest is None:
        return []
    result = []
    for number in range(len(reply.choices)):
        offset = offsets[number] if number < len(offsets) else 0
        result.append(Columns(likeliest, offset, opening=number < len(echoed) and echoed[number] != ""))
    return result


def _chunk_count(choice: Choice) -> int:
    return sum(type(chunk) is str for part in choice.parts if type(part) is Text for chunk in part.chunks)


def body(reply: Reply, request: CompletionsRequest, identity: ResponseIdentity) -> dict[str, Json]:
    """Return the object of a non-streaming response."""
    choices: list[dict[str, Json]] = [
        {"text": choice.text, "index": number, "logprobs": None, "finish_reason": finish(choice)}
        for number, choice in enumerate(reply.choices)
    ]
    for number, column in enumerate(_columns(reply, request)):
        parts = reply.choices[number].parts
        tokens = [token for part in parts if type(part) is Text for token in part_token_texts(part)]
        choices[number]["logprobs"] = column.next(tokens)
    result = {**top_fields(identity), "model": model(reply, request), "choices": choices}
    result = merged_json({**result, "usage": usage(reply.usage)}, dict(reply.extras.get("openai", {})))
    return reply.usage.null_or_remove_usage(result, "usage")


def decode(plan: Plan) -> DecodedResponse | None:
    decoder = ResponseDecoder(plan)
    for payload in payloads(plan):
        match payload:
            case {"error": dict(error)}:
                decoder.recognized, decoder.error = True, error
            case {"object": "text_completion", "choices": list(choices)} | {
                "choices": [{"text": str()}, *_] as choices
            }:  # a vendor's chunks may have another name
                decoder.recognized = True
                for choice in choices:
                    _read_choice(choice, decoder)
        match payload:
            case {"usage": {"prompt_tokens": int(prompt), "completion_tokens": int(completion)}}:
                decoder.usage = Usage(prompt, completion)
    return decoder.result()


def _read_choice(choice: Json, decoder: ResponseDecoder) -> None:
    match choice:
        case {"index": int(index), "text": str(text)}:
            ended = choice.get("finish_reason")
            decoder.add_text("text", text, index, visible=text != "" or ended is None)
            if index == 0 and isinstance(ended, str):
                decoder.finish = ended


class Completions(OpenAiCall):
    """POST /v1/completions."""

    api = "completions"
    generates = True
    capabilities = ProtocolCapabilities(
        conversation=False,
        tool_choice=False,
        json_object=False,
        refusal=False,
        unsupported_parts=frozenset({"citations", "images", "thinking", "tool_calls"}),
        errors_in_chunks=True,
    )
    request_class = CompletionsRequest

    check = staticmethod(check)
    decode = staticmethod(decode)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, CompletionsRequest)
        return supported_reply(reply, request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, CompletionsRequest)
        return body_plan(body(reply, request, identity), identity, BODY_HEADERS)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, CompletionsRequest)
        steps = tuple(encode(CompletionsEncoder(reply, request, identity)))
        return Plan(head(200, STREAM_HEADERS, identity), steps, Framing.SSE)

    def event_layout(self, request: Request) -> EventLayout:
        return COMPLETIONS_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, CompletionsRequest)
        top = request.logprobs
        offsets = () if top is None else request.offsets
        return request.include_usage, value_or_digest(request.echoed), top, value_or_digest(offsets)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        return build_completions(request, DEFAULT_MODEL)
