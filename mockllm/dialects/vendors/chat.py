"""POST …/chat/completions as vendors answer it: one way to build a body and the chunks of a stream, with
hooks for what a vendor says in another way (`accents.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import EventStep, Framing, Kind, Plan
from mockllm.core.reply.reply import (
    Call,
    Choice,
    NativePart,
    Part,
    Refusal,
    Reply,
    Thinking,
    Usage,
    joined_text,
)
from mockllm.core.request.request import Request
from mockllm.dialects.capabilities import Capabilities
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai import logprobs
from mockllm.dialects.openai.chat.body import is_hidden
from mockllm.dialects.openai.chat.check import check_body
from mockllm.dialects.openai.chat.dialect import Chat
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.logprobs import StreamedLogprobs
from mockllm.dialects.openai.model_families import DEFAULT_MODEL
from mockllm.dialects.vendors.decoder import decode
from mockllm.dialects.vendors.errors import error_plan, head, told
from mockllm.dialects.vendors.vendor import Vendor, VendorChatForm, filled


def supported_reply(reply: Reply, form: VendorChatForm) -> Reply:
    """The reply with what this vendor shows: reasoning where it does, calls at once where it does so."""
    return replace(
        reply,
        choices=tuple(
            replace(choice, parts=tuple(_shown(part, form) for part in choice.parts if _is_shown(part, form)))
            for choice in reply.choices
        ),
    )


def _is_shown(part: Part, form: VendorChatForm) -> bool:
    if type(part) is Thinking:
        return form.thinking is not None and not part.redacted
    return not is_hidden(part)


def _shown(part: Part, form: VendorChatForm) -> Part:
    if form.whole_calls and type(part) is Call:
        between = tuple(piece for piece in part.chunks if type(piece) is not str)
        return replace(part, chunks=(*between, joined_text(part.chunks)))
    return part


class VendorEncoder(Encoder):
    """One answer. `reply` is what `sayable` left of it."""

    def __init__(self, reply: Reply, request: ChatRequest, stamp: ResponseIdentity, vendor: Vendor) -> None:
        super().__init__(supported_reply(reply, vendor.form))
        self.vendor, self.form, self.ids = vendor, vendor.form, stamp.ids
        self._request, self._stamp = request, stamp
        self._own = dict(reply.extras.get("openai", {}))
        self._counted = self._own.pop("usage", None) or self.form.usage(reply.usage)
        self._calls = [0] * len(reply.choices)
        """How many calls of each choice have been opened."""
        self._left = {
            (number, index): _said_of(part)
            for number, choice in enumerate(self.reply.choices)
            for index, part in enumerate(choice.parts)
        }
        """How many pieces of each part are not yet said."""
        self._begun: set[int] = set()
        top = request.logprobs if "logprobs" in self.form.choice else None
        self._probabilities = None if top is None else StreamedLogprobs(top)

    # --- what vendors say in their own way -----------------------------------------------------------

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        """The first delta; None where the first piece tells the role."""
        return {"role": "assistant", "content": ""}

    def text(self, piece: str) -> dict[str, Json]:
        return {"content": piece}

    def thought(self, piece: str) -> dict[str, Json]:
        return {self.form.thinking or "": piece}

    def whole_call(self, call: dict[str, Json]) -> dict[str, Json]:
        """The delta that says all of a call."""
        return {"tool_calls": [call]}

    def joins(self, part: Part, *, last: bool) -> bool:
        """Whether a part (the choice's last, or not) tells the finish reason with its last piece."""
        joined = self.form.joined_calls
        return type(part) is Call and (joined == "each" or (joined == "last" and last))

    def closing(self, choice: Choice) -> dict[str, Json]:
        """The delta beside the finish reason."""
        return {}

    def choice(self, said: dict[str, Json], finish: str | None) -> dict[str, Json]:
        """A choice that says a delta or a message, and how it ended."""
        return {**said, **filled(self.form.choice, self.ids), "finish_reason": finish}

    @property
    def told(self) -> Json:
        """The usage, or null where a fault says so."""
        return self._counted if self.reply.usage.told == "counted" else None

    def usage_chunk(self) -> dict[str, Json]:
        """The chunk that only counts."""
        return self.chunk([])

    def reasoned(self, text: str) -> dict[str, Json]:
        """What a message says of its reasoning."""
        return {self.form.thinking or "": text}

    # --- whole ---------------------------------------------------------------------------------------

    def top(self, kind: str) -> dict[str, Json]:
        model = self.reply.model if self.reply.model is not None else self._request.model or DEFAULT_MODEL
        id = self.form.id.made(self.ids, "")
        return {"id": id, "object": kind, "created": self._stamp.second, "model": model}

    def body(self) -> dict[str, Json]:
        choices: list[Json] = [
            self.choice({"index": number, "message": self.message(choice, number)}, self.ended(choice))
            for number, choice in enumerate(self.reply.choices)
        ]
        if self._probabilities is not None:
            for said, choice in zip(choices, self.reply.choices, strict=True):
                said["logprobs"] = logprobs.choice_logprobs(choice, self._request.logprobs or 0)
        made = {**self.top("chat.completion"), "choices": choices, "usage": self._counted}
        return self.reply.usage.tell(made | filled(self.form.body, self.ids) | self._own, "usage")

    def message(self, choice: Choice, number: int) -> dict[str, Json]:
        made: dict[str, Json] = {"role": "assistant", "content": choice.text, **self.form.message}
        calls: list[Json] = []
        for part in choice.parts:
            if type(part) is Call:
                called = self.called(part, number, len(calls), joined_text(part.chunks))
                calls.append({"index": len(calls), **called} if self.form.placed_calls else called)
            elif type(part) is Refusal:
                made |= {"content": None, "refusal": joined_text(part.chunks)}
            elif type(part) is Thinking:
                made |= self.reasoned(joined_text(part.chunks))
            elif type(part) is NativePart:
                made |= part.block
        if calls:
            made["tool_calls"] = calls
            if not choice.text:
                del made["content"]
                made |= self.form.silent
        return made

    def called(self, call: Call, choice: int, number: int, said: str) -> dict[str, Json]:
        id = call.id if call.id is not None else self.form.call_id.made(self.ids, f"{choice}.{number}")
        return {"id": id, "type": "function", "function": {"name": call.name, "arguments": said}}

    def ended(self, choice: Choice) -> str:
        return self.form.finish[choice.finish]

    # --- streamed ------------------------------------------------------------------------------------

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        made = {**self.top("chat.completion.chunk"), **filled(self.form.chunk, self.ids), **self._own}
        made["choices"] = choices
        if self.form.null_usage and self._request.include_usage:
            made["usage"] = None
        return made

    def begin(self, choice: int) -> Iterable[Event]:
        opening = self.opening(self.reply.choices[choice])
        return () if opening is None else (self._said(choice, opening),)

    def open(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        if type(part) is NativePart:
            return (self._said(at.choice, part.block),)
        if type(part) is Call and not self.form.whole_calls:
            number = self._calls[at.choice]
            opened = {"index": number, **self.called(part, at.choice, number, "")}
            self._calls[at.choice] += 1
            return (self._said(at.choice, {"tool_calls": [opened]}),)
        return ()

    def say(self, at: EncoderPosition, piece: str) -> Iterable[Event]:
        part = at.part
        self._left[at.choice, at.index] -= 1
        last = not self._left[at.choice, at.index] and self._joined(at.choice, at.index)
        told: Json = None
        if type(part) is Call:
            delta = self._argued(part, at.choice, piece)
        elif type(part) is Thinking:
            delta = self.thought(piece)
        else:
            delta = {"refusal": piece} if type(part) is Refusal else self.text(piece)
            if self._probabilities is not None:
                told = self._probabilities.say(at.choice, part, piece)
        return (self._said(at.choice, delta, finishes=last, logprobs=told),)

    def end(self, choice: int) -> Iterable[Event]:
        said = self.reply.choices[choice]
        if said.parts and self._joined(choice, len(said.parts) - 1) and _said_of(said.parts[-1]):
            return ()
        return (self._said(choice, self.closing(said), finishes=True),)

    def finish(self) -> Iterable[tuple[Kind, Event]]:
        if self.form.counted == "alone" and self._counts and self.reply.usage.told != "missing":
            yield "usage", (dumps({**self.usage_chunk(), "usage": self.told}), None)
        yield "end", (b"[DONE]", None)

    def fail(self, failure: Failure) -> Iterable[Event]:
        said = told(self.vendor, failure, self._request, self._stamp)
        if type(said) is list:  # Google's list of one is that of a whole answer: in a stream no SDK reads it
            (said,) = said
        return ((dumps(said), self.vendor.errors.event),)

    @property
    def _counts(self) -> bool:
        return self.form.always or self._request.include_usage

    def _argued(self, call: Call, choice: int, piece: str) -> dict[str, Json]:
        """A piece of a call's arguments; all of the call where it is said at once."""
        if not self.form.whole_calls:
            return {"tool_calls": [{"index": self._calls[choice] - 1, "function": {"arguments": piece}}]}
        number = self._calls[choice]
        self._calls[choice] += 1
        return self.whole_call({"index": number, **self.called(call, choice, number, piece)})

    def _joined(self, choice: int, index: int) -> bool:
        """Whether the last piece of a part tells the finish reason."""
        parts = self.reply.choices[choice].parts
        last = index == len(parts) - 1
        return self.reply.ends and self.joins(parts[index], last=last)

    def _said(
        self, choice: int, delta: dict[str, Json], *, finishes: bool = False, logprobs: Json = None
    ) -> Event:
        if choice not in self._begun:
            self._begun.add(choice)
            delta = {"role": "assistant", **delta}
        reason = self.ended(self.reply.choices[choice]) if finishes else None
        said = self.choice({"index": choice, "delta": delta}, reason)
        made = self.chunk([said if logprobs is None else {**said, "logprobs": logprobs}])
        if finishes and self.form.counted == "finish" and self._counts:
            made["usage"] = self._counted
            self.reply.usage.tell(made, "usage")
        return dumps(made), None


def _said_of(part: Part) -> int:
    """How many pieces a part has."""
    return 0 if isinstance(part, NativePart) else sum(type(piece) is str for piece in part.chunks)


def _capabilities(vendor: Vendor) -> Capabilities:
    """What the row says of calls and of the usage."""
    usage = vendor.form.usage(Usage(4, 3, cached_read=2, cache_write=1, reasoning=1))
    prompt, completion = (usage.get(f"{side}_tokens_details") or {} for side in ("prompt", "completion"))
    return Capabilities(
        unsupported_parts=frozenset({"citations", "images"}),
        chunked_calls=not vendor.form.whole_calls,
        cached_read=bool(prompt.get("cached_tokens")),
        cache_write=bool(prompt.get("cache_write_tokens")),
        reasoning=bool(completion.get("reasoning_tokens")),
    )


class VendorChat(Chat):
    """A vendor's chat."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.capabilities = _capabilities(vendor)

    def check(self, request: Request) -> Failure | None:
        """In OpenAI's words only where its own are refused: most requests say the same in both."""
        failure, words, body = super().check(request), self.vendor.words, request.body
        if failure is None or words is None or type(body) is not dict:
            return failure
        return check_body(words(body))

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(self.vendor, failure, request, stamp)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return supported_reply(reply, self.vendor.form)

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        body = self._wire(reply, request, stamp).body()
        return Plan(head(self.vendor, stamp, "application/json"), (EventStep(dumps(body), 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        steps = tuple(encode(self._wire(reply, request, stamp)))
        return Plan(head(self.vendor, stamp, self.vendor.form.media), steps, Framing.SSE)

    def _wire(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> VendorEncoder:
        made: VendorEncoder = self.vendor.wire(reply, request, stamp, self.vendor)
        return made

    def build_request(self, wish: NeutralRequest) -> WireRequest:
        asked = super().build_request(wish if wish.model else replace(wish, model=self.vendor.model))
        return replace(asked, path=self.vendor.path("/chat/completions"))

    def decode(self, plan: Plan) -> DecodedResponse | None:
        return decode(plan)
