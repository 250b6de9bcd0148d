"""POST …/chat/completions of vendors. One encoder builds a body and the chunks of a stream, with hooks for the
differences of single vendors, whose encoders are in their folders."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import EncoderPosition, Event, encode
from mockllm.core.rendering.plan import EventKind, EventStep, Framing, Plan
from mockllm.core.reply.reply import (
    Choice,
    Media,
    NativePart,
    Part,
    Refusal,
    Reply,
    Thinking,
    ToolCall,
    Usage,
    joined_text,
)
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse, payloads
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai import logprobs
from mockllm.dialects.openai.chat import decoder
from mockllm.dialects.openai.chat.check import check_body
from mockllm.dialects.openai.chat.dialect import Chat
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.chat.response_body import is_hidden
from mockllm.dialects.openai.logprobs import StreamedLogprobs
from mockllm.dialects.vendors.errors import GeneratingVendorCall, error_body, head
from mockllm.dialects.vendors.vendor import BodyEncoder, Vendor, VendorChatForm, copy_members


def supported_reply(reply: Reply, form: VendorChatForm) -> Reply:
    """Return the reply as this vendor shows it. It has reasoning where the vendor shows it, and calls in one chunk
    where the vendor sends them so."""
    return replace(
        reply,
        choices=tuple(
            replace(
                choice, parts=tuple(_visible(part, form) for part in choice.parts if _is_shown(part, form))
            )
            for choice in reply.choices
        ),
    )


def _is_shown(part: Part, form: VendorChatForm) -> bool:
    if type(part) is Thinking:
        return form.thinking is not None and not part.redacted
    if type(part) is Media:
        return form.images and part.kind == "images"
    return not is_hidden(part)


def _visible(part: Part, form: VendorChatForm) -> Part:
    return part.in_one_chunk() if form.complete_calls and type(part) is ToolCall else part


class VendorEncoder(BodyEncoder):
    """The encoder of one response. `reply` is already a supported reply."""

    def __init__(
        self, reply: Reply, request: ChatRequest, identity: ResponseIdentity, vendor: Vendor
    ) -> None:
        super().__init__(supported_reply(reply, vendor.form))
        self.vendor, self.form, self.ids = vendor, vendor.form, identity.ids
        self._request, self._identity = request, identity
        self._own = dict(reply.extras.get("openai", {}))
        self._counted = merged_json(self.usage(reply.usage), self._own.pop("usage", {}))
        self._calls = [0] * len(reply.choices)
        """The number of opened calls of each choice."""
        self._remaining = {
            (number, index): _chunk_count(part)
            for number, choice in enumerate(self.reply.choices)
            for index, part in enumerate(choice.parts)
        }
        """The number of chunks of each part that are still to send."""
        self._opened: set[int] = set()
        top = request.logprobs if "logprobs" in self.form.choice else None
        self._probabilities = None if top is None else StreamedLogprobs(top)

    null_finish = True
    """Whether the finish reason of a stream's choice is null until it ends; else it is missing."""
    errors_in_chunk = False
    """Whether an error of a stream is in a chunk, beside the finish reason `error`."""

    # --- hooks for the differences of vendors --------------------------------------------------------

    def usage(self, counted: Usage) -> dict[str, Json]:
        return self.form.usage(counted)

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        """Return the first delta; None where the first chunk of the text contains the role."""
        return {"role": "assistant", "content": ""}

    def text_delta(self, chunk: str) -> dict[str, Json]:
        return {"content": chunk}

    def refusal_delta(self, chunk: str) -> dict[str, Json]:
        return {"refusal": chunk}

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {self.form.thinking or "": chunk}

    def complete_call(self, call: dict[str, Json]) -> dict[str, Json]:
        return {"tool_calls": [call]}

    def carries_finish(self, part: Part, *, last: bool) -> bool:
        """Return whether the last chunk of a part contains the finish reason; `last` is true for the choice's
        last part."""
        joined = self.form.calls_with_finish
        return type(part) is ToolCall and (joined == "each" or (joined == "last" and last))

    def closing(self, choice: Choice) -> dict[str, Json]:
        """Return the delta beside the finish reason."""
        return {}

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        """Return a choice with a delta or a message, and with its finish reason."""
        if finish is None and not self.null_finish:
            return {**content, **copy_members(self.form.choice)}
        return {**content, **copy_members(self.form.choice), "finish_reason": finish}

    def usage_chunk(self) -> dict[str, Json]:
        return self.chunk([])

    def reasoning_members(self, text: str) -> dict[str, Json]:
        return {self.form.thinking or "": text}

    def choice_logprobs(self, choice: Choice, top: int) -> dict[str, Json] | None:
        return logprobs.choice_logprobs(choice, top)

    def chunk_logprobs(self, probabilities: StreamedLogprobs, at: EncoderPosition, chunk: str) -> Json:
        """Return the probabilities of a chunk; None where it has none."""
        if type(at.part) in (ToolCall, Thinking):
            return None
        return probabilities.chunk_logprobs(at.choice, at.part, chunk)

    def stream_error(self, failure: Failure) -> Json:
        return error_body(self.vendor, failure, self._request, self._identity)

    # --- non-streaming -------------------------------------------------------------------------------

    def members_before_choices(self, kind: str) -> dict[str, Json]:
        model = self.reply.model if self.reply.model is not None else self._request.model
        id = self.form.id.make(self.ids, "")
        return {"id": id, "object": kind, "created": self._identity.epoch_second, "model": model}

    def body(self) -> dict[str, Json]:
        choices: list[Json] = [
            self.choice(
                {"index": number, "message": self.message(choice, number)}, self.finish_reason(choice)
            )
            for number, choice in enumerate(self.reply.choices)
        ]
        if self._probabilities is not None:
            for encoded, choice in zip(choices, self.reply.choices, strict=True):
                encoded["logprobs"] = self.choice_logprobs(choice, self._request.logprobs or 0)
        result = {
            **self.members_before_choices("chat.completion"),
            "choices": choices,
            "usage": self._counted,
        }
        result = merged_json(result | copy_members(self.form.body), self._own)
        return self.reply.usage.null_or_remove_usage(result, "usage")

    def message(self, choice: Choice, number: int) -> dict[str, Json]:
        result: dict[str, Json] = {"role": "assistant", "content": choice.text, **self.form.message}
        calls: list[Json] = []
        for part in choice.parts:
            if type(part) is ToolCall:
                call = self.tool_call_object(part, number, len(calls), joined_text(part.chunks))
                calls.append({"index": len(calls), **call} if self.form.indexed_calls else call)
            elif type(part) is Refusal:
                result |= {"content": choice.text or None, "refusal": joined_text(part.chunks)}
            elif type(part) is Thinking:
                result |= self.reasoning_members(joined_text(part.chunks))
            elif type(part) is NativePart:
                result |= part.block
        if calls:
            result["tool_calls"] = calls
            if not choice.text:
                del result["content"]
                result |= self.form.without_text
        return result

    def tool_call_object(self, call: ToolCall, choice: int, number: int, arguments: str) -> dict[str, Json]:
        id = (
            call.id if call.id is not None else self.form.call_id.make(self.ids, f"{choice}.{number}", number)
        )
        return {"id": id, "type": "function", "function": {"name": call.name, "arguments": arguments}}

    def finish_reason(self, choice: Choice) -> str:
        return choice.finish_value(self.form.finish)

    # --- streaming -----------------------------------------------------------------------------------

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = {
            **self.members_before_choices("chat.completion.chunk"),
            **copy_members(self.form.chunk),
            **self._own,
        }
        result["choices"] = choices
        if self.form.null_usage and self._request.include_usage:
            result["usage"] = None
        return result

    def start_choice(self, choice: int) -> Iterable[Event]:
        opening = self.opening(self.reply.choices[choice])
        return () if opening is None else (self._choice_chunk(choice, opening),)

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        if type(part) is NativePart:
            return (self._choice_chunk(at.choice, part.block),)
        if type(part) is ToolCall and not self.form.complete_calls:
            number = self._calls[at.choice]
            call = {"index": number, **self.tool_call_object(part, at.choice, number, "")}
            self._calls[at.choice] += 1
            return (self._choice_chunk(at.choice, {"tool_calls": [call]}),)
        return ()

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        part = at.part
        self._remaining[at.choice, at.part_index] -= 1
        last = not self._remaining[at.choice, at.part_index] and self._finish_in_last_chunk(
            at.choice, at.part_index
        )
        if type(part) is ToolCall:
            delta = self._tool_call_delta(part, at.choice, chunk)
        elif type(part) is Thinking:
            delta = self.thinking_delta(chunk)
        else:
            delta = self.refusal_delta(chunk) if type(part) is Refusal else self.text_delta(chunk)
        probabilities = self._probabilities
        entry = None if probabilities is None else self.chunk_logprobs(probabilities, at, chunk)
        return (self._choice_chunk(at.choice, delta, finishes=last, logprobs=entry),)

    def end_choice(self, choice: int) -> Iterable[Event]:
        reply_choice = self.reply.choices[choice]
        parts = reply_choice.parts
        if parts and self._finish_in_last_chunk(choice, len(parts) - 1) and _chunk_count(parts[-1]):
            return ()
        return (self._choice_chunk(choice, self.closing(reply_choice), finishes=True),)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        if self.form.usage_chunk == "alone" and self._counts and self.reply.usage.presence != "missing":
            chunk = self.usage_chunk()
            chunk["usage"] = self._counted if self.reply.usage.presence == "counted" else None
            yield "usage", (dumps(chunk), None)
        yield "end", (b"[DONE]", None)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        body = self.stream_error(failure)
        if type(body) is list:  # Google's list of one, which no SDK reads in a stream
            (body,) = body
        if failure.in_chunk or self.errors_in_chunk:
            chunk = self.chunk([self.choice({"index": 0, "delta": self.text_delta("")}, "error")])
            return ((dumps({**chunk, **body}), None),)
        return ((dumps(body), self.vendor.errors.event),)

    @property
    def _counts(self) -> bool:
        return self.form.always_usage or self._request.include_usage

    def _tool_call_delta(self, call: ToolCall, choice: int, chunk: str) -> dict[str, Json]:
        """Return the delta of a chunk of a call's arguments; the complete call where the vendor sends it in
        one chunk."""
        if not self.form.complete_calls:
            return {"tool_calls": [{"index": self._calls[choice] - 1, "function": {"arguments": chunk}}]}
        number = self._calls[choice]
        self._calls[choice] += 1
        return self.complete_call({"index": number, **self.tool_call_object(call, choice, number, chunk)})

    def _finish_in_last_chunk(self, choice: int, index: int) -> bool:
        """Return whether the last chunk of a part contains the finish reason."""
        parts = self.reply.choices[choice].parts
        last = index == len(parts) - 1
        return self.reply.has_finish_reason and self.carries_finish(parts[index], last=last)

    def _choice_chunk(
        self, choice: int, delta: dict[str, Json], *, finishes: bool = False, logprobs: Json = None
    ) -> Event:
        if choice not in self._opened:
            self._opened.add(choice)
            delta = {"role": "assistant", **delta}
        reason = self.finish_reason(self.reply.choices[choice]) if finishes else None
        encoded = self.choice({"index": choice, "delta": delta}, reason)
        payload = self.chunk([encoded if logprobs is None else {**encoded, "logprobs": logprobs}])
        if finishes and self.form.usage_chunk == "finish" and self._counts:
            payload["usage"] = self._counted
            self.reply.usage.null_or_remove_usage(payload, "usage")
        return dumps(payload), None


def _chunk_count(part: Part) -> int:
    return 0 if isinstance(part, NativePart) else sum(type(chunk) is str for chunk in part.chunks)


def _capabilities(vendor: Vendor) -> ProtocolCapabilities:
    """Derive the capabilities from the vendor's calls and usage."""
    usage = vendor.form.usage(Usage(4, 3, cache_read=2, cache_write=1, reasoning=1))
    prompt, completion = (usage.get(f"{side}_tokens_details") or {} for side in ("prompt", "completion"))
    unsupported = set() if vendor.form.images else {"images"}
    unsupported |= set() if vendor.form.citations else {"citations"}
    unsupported |= set() if vendor.form.thinking else {"thinking"}
    return ProtocolCapabilities(
        unsupported_parts=frozenset(unsupported),
        requested_media=frozenset({"images"}) if vendor.form.images else frozenset(),
        errors_in_chunks=True,
        chunked_calls=not vendor.form.complete_calls,
        cache_read=bool(prompt.get("cached_tokens")),
        cache_write=bool(prompt.get("cache_write_tokens")),
        reasoning=bool(completion.get("reasoning_tokens")),
    )


EMPTY: Final = DecodedResponse(None, None, None, (), None, None, None, None)


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response. An error is reported as an object with a message, whatever its form.
    Beside calls, an empty text only opened the response."""
    response = decoder.decode(plan)
    if response is not None and response.calls and not response.text:
        response = dataclasses.replace(response, text=None)
    if response is not None and response.error is not None:
        return response
    errors = [error for payload in payloads(plan) if (error := _error(payload)) is not None]
    return dataclasses.replace(response or EMPTY, error=errors[-1]) if errors else response


def _error(payload: Json) -> Json:
    match payload:
        case {"detail": str(message)} | {"error": str(message)}:
            return {**payload, "message": message}
        case {"detail": [{"msg": str(message)}, *_]}:
            return {**payload, "message": message}
        case {"object": "error", "message": str()} | {"message": str(), "code": _}:
            return payload
        case [{"error": dict(error)}]:
            return error
    return None


class VendorChat(GeneratingVendorCall, Chat):
    """The chat of a vendor."""

    def __init__(self, vendor: Vendor) -> None:
        super().__init__(vendor)
        self.capabilities = _capabilities(vendor)

    def check(self, request: Request) -> Failure | None:
        """Check OpenAI's form of the request only where the vendor's own form is refused: most requests are
        equal in both."""
        body, check_chat = request.body, self.vendor.check_chat
        if check_chat is not None and type(body) is dict:
            failure = check_chat(body)
            if failure is not None:
                return failure
        failure, openai_request = super().check(request), self.vendor.openai_request
        if failure is None or openai_request is None or type(body) is not dict:
            return failure
        return check_body(openai_request(body))

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return supported_reply(reply, self.vendor.form)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        body = self._encoder(reply, request, identity).body()
        return Plan(head(self.vendor, identity, self.vendor.media), (EventStep(dumps(body), 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        steps = tuple(encode(self._encoder(reply, request, identity)))
        return Plan(head(self.vendor, identity, self.vendor.form.media), steps, Framing.SSE)

    def _encoder(self, reply: Reply, request: Request, identity: ResponseIdentity) -> BodyEncoder:
        assert isinstance(request, ChatRequest)
        return self.vendor.encoder(reply, request, identity, self.vendor)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        built = super().build_request(request if request.model else replace(request, model=self.vendor.model))
        names = {"max_completion_tokens": self.vendor.maximum_field}
        body = {names.get(name, name): value for name, value in built.body.items()}
        return replace(built, path=self.vendor.path("/chat/completions"), body=body)

    decode = staticmethod(decode)
