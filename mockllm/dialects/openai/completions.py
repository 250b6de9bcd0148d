"""Legacy completions on the wire: a Reply's texts, as one body or as chunks. They have no roles, calls or
refusals: what a model would say in words is said, the rest is left out.

As in recordings of 2025 and 2026, a text that was cut short tells so in its last chunk; one that ended by
itself, in a chunk of its own.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, pretty
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import EventStep, Framing, Kind, Plan
from mockllm.core.reply.logprobs import token_logprobs, tokens_of, tokens_said
from mockllm.core.reply.reply import Choice, Finish, Part, Refusal, Reply, Text, Usage
from mockllm.core.request.request import Request
from mockllm.dialects.capabilities import Capabilities
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, said
from mockllm.dialects.openai.chat.check import check_readable
from mockllm.dialects.openai.completions_request import CompletionsRequest, check
from mockllm.dialects.openai.errors import error_object, error_plan
from mockllm.dialects.openai.headers import BODY_HEAD, STREAM_HEAD, head
from mockllm.dialects.openai.logprobs import columns

DEFAULT_MODEL: Final = "gpt-3.5-turbo-instruct"
SNAPSHOTS: Final = {
    "gpt-3.5-turbo-instruct": "gpt-3.5-turbo-instruct:20230824-v2",
    "davinci-002": "davinci:2023-07-21-v2",
    "babbage-002": "babbage:2023-07-21-v2",
}
FINISH: Final[dict[Finish, str]] = {"length": "length", "content_filter": "content_filter"}
"""What is no `stop`."""


def facts(stamp: ResponseIdentity) -> dict[str, Json]:
    """What stands at the top of the body and of every chunk, but for the model."""
    return {"id": stamp.ids.make("cmpl-", 29), "object": "text_completion", "created": stamp.second}


def model(reply: Reply, request: Request) -> str:
    asked = request.model or DEFAULT_MODEL
    return reply.model if reply.model is not None else SNAPSHOTS.get(asked, asked)


def finish(choice: Choice) -> str:
    return FINISH.get(choice.finish, "stop")


def usage(counted: Usage) -> dict[str, Json]:
    return {
        "prompt_tokens": counted.input,
        "completion_tokens": counted.output,
        "total_tokens": counted.total,
    }


def supported_reply(reply: Reply, request: CompletionsRequest) -> Reply:
    """The reply's texts and the words of its refusals, behind the prompts where these are echoed."""
    echoed = request.echoed
    choices = []
    for number, choice in enumerate(reply.choices):
        parts: list[Part] = [Text((echoed[number],))] if number < len(echoed) and echoed[number] else []
        for part in choice.parts:
            if type(part) is Refusal:
                parts.append(Text(part.chunks))
            elif type(part) is Text:
                parts.append(part)
        choices.append(replace(choice, parts=tuple(parts)))
    return replace(reply, choices=tuple(choices))


class CompletionsEncoder(Encoder):
    """The chunks of a stream, of a reply that is sayable already: a prompt is echoed once."""

    def __init__(self, reply: Reply, request: CompletionsRequest, stamp: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request, self._stamp = request, stamp
        extras = {key: value for key, value in reply.extras.get("openai", {}).items() if key != "usage"}
        self._top = dumps(facts(stamp))[:-1] + b',"choices":['
        self._tail = (
            b'],"model":' + dumps(model(reply, request)) + (b"," + dumps(extras)[1:-1] if extras else b"")
        )
        self._null = b',"usage":null}' if request.include_usage else b"}"
        self._left = [_pieces(choice) for choice in reply.choices]
        """How many pieces of each choice are not yet said."""
        self._columns = _columns(reply, request)

    def say(self, at: EncoderPosition, piece: str) -> Iterable[Event]:
        self._left[at.choice] -= 1
        cut = self._left[at.choice] == 0 and self._joined(at.choice)
        told = self._columns[at.choice].say(tokens_of(at.part, piece)) if self._columns else None
        return (self._chunk(at.choice, dumps(piece), b'"length"' if cut else b"null", dumps(told)),)

    def end(self, choice: int) -> Iterable[Event]:
        if self._joined(choice):
            return ()
        return (self._chunk(choice, b'""', dumps(finish(self.reply.choices[choice]))),)

    def finish(self) -> Iterable[tuple[Kind, Event]]:
        if self._request.include_usage and self.reply.usage.told != "missing":
            counted = self.reply.extras.get("openai", {}).get("usage", usage(self.reply.usage))
            counted = counted if self.reply.usage.told == "counted" else None
            yield "usage", (self._top + self._tail + b',"usage":' + dumps(counted) + b"}", None)
        yield "end", (b"[DONE]", None)

    def fail(self, failure: Failure) -> Iterable[Event]:
        return ((dumps({"error": error_object(failure, self._request, self._stamp)}), None),)

    def _joined(self, choice: int) -> bool:
        """Whether the last piece of a choice tells that it was cut short."""
        said = self.reply.choices[choice]
        return said.finish == "length" and self.reply.ends and _pieces(said) > 0

    def _chunk(self, choice: int, text: bytes, reason: bytes, logprobs: bytes = b"null") -> Event:
        form = b'{"text":%b,"index":%d,"logprobs":%b,"finish_reason":%b}'
        said = form % (text, choice, logprobs, reason)
        return self._top + said + self._tail + self._null, None


class Columns:
    """The probabilities of a choice's tokens, as they are said."""

    def __init__(self, top: int, offset: int, *, opening: bool) -> None:
        self._top, self._offset, self._opening = top, offset, opening
        self._place = 0

    def say(self, tokens: list[str]) -> Json:
        """Those of the next tokens."""
        found = token_logprobs(tokens, self._top, self._place)
        made = columns(found, self._offset, opening=self._opening, top=self._top)
        self._place += len(tokens)
        self._offset += sum(map(len, tokens))
        self._opening = self._opening and not tokens
        return made


def _columns(reply: Reply, request: CompletionsRequest) -> list[Columns]:
    """Those of each choice; none where nobody wants them. Before a prompt that is echoed stands nothing. A
    scenario's choices beyond those that were asked for follow no prompt."""
    top, offsets, echoed = request.logprobs, request.offsets, request.echoed
    if top is None:
        return []
    made = []
    for number in range(len(reply.choices)):
        offset = offsets[number] if number < len(offsets) else 0
        made.append(Columns(top, offset, opening=number < len(echoed) and echoed[number] != ""))
    return made


def _pieces(choice: Choice) -> int:
    return sum(type(piece) is str for part in choice.parts if type(part) is Text for piece in part.chunks)


def body(reply: Reply, request: CompletionsRequest, stamp: ResponseIdentity) -> dict[str, Json]:
    """The whole answer's object."""
    choices: list[dict[str, Json]] = [
        {"text": choice.text, "index": number, "logprobs": None, "finish_reason": finish(choice)}
        for number, choice in enumerate(reply.choices)
    ]
    for number, told in enumerate(_columns(reply, request)):
        parts = reply.choices[number].parts
        tokens = [
            token for part in parts if type(part) is Text for token in tokens_said(part, streamed=False)
        ]
        choices[number]["logprobs"] = told.say(tokens)
    made = {**facts(stamp), "model": model(reply, request), "choices": choices}
    made = {**made, "usage": usage(reply.usage), **reply.extras.get("openai", {})}
    return reply.usage.tell(made, "usage")


def build_request(wish: NeutralRequest) -> WireRequest:
    """A prompt; there are no words for a system text, tools and forms."""
    asked = {
        "model": wish.model or DEFAULT_MODEL,
        "prompt": wish.user,
        **said(
            {
                "stream": wish.stream,
                "stream_options": {"include_usage": True} if wish.stream else None,
                "max_tokens": wish.max_tokens,
                "stop": list(wish.stop),
                "n": wish.n,
            }
        ),
    }
    key = {} if wish.api_key is None else {"authorization": f"Bearer {wish.api_key}"}
    return WireRequest("/v1/completions", {"content-type": "application/json", **key}, asked)


def decode(plan: Plan) -> DecodedResponse | None:
    """What an answer says."""
    hearing = ResponseDecoder(plan)
    for payload in payloads(plan):
        match payload:
            case {"error": dict(error)}:
                hearing.understood, hearing.error = True, error
            case {"object": "text_completion", "choices": list(choices)}:
                hearing.understood = True
                for choice in choices:
                    _hear(choice, hearing)
        match payload:
            case {"usage": {"prompt_tokens": int(prompt), "completion_tokens": int(completion)}}:
                hearing.usage = Usage(prompt, completion)
    return hearing.result()


def _hear(choice: Json, hearing: ResponseDecoder) -> None:
    match choice:
        case {"index": int(index), "text": str(text)}:
            ended = choice.get("finish_reason")
            hearing.say("text", text, index, visible=text != "" or ended is None)
            if index == 0 and isinstance(ended, str):
                hearing.finish = ended


class Completions:
    """POST /v1/completions."""

    name = "openai"
    api = "completions"
    generates = True
    capabilities = Capabilities(
        conversation=False,
        tool_choice=False,
        json_object=False,
        refusal=False,
        unsupported_parts=frozenset({"citations", "images"}),
    )
    request = CompletionsRequest

    def check(self, request: Request) -> Failure | None:
        return check(request)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, CompletionsRequest)
        return supported_reply(reply, request)

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, CompletionsRequest)
        said = pretty(body(reply, request, stamp)) + b"\n"
        return Plan(head(200, BODY_HEAD, stamp), (EventStep(said, 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, CompletionsRequest)
        steps = tuple(encode(CompletionsEncoder(reply, request, stamp)))
        return Plan(head(200, STREAM_HEAD, stamp), steps, Framing.SSE)

    def variant(self, request: Request) -> Hashable:
        assert isinstance(request, CompletionsRequest)
        top = request.logprobs
        return request.include_usage, request.echoed, top, () if top is None else request.offsets

    def build_request(self, wish: NeutralRequest) -> WireRequest:
        return build_request(wish)

    def decode(self, plan: Plan) -> DecodedResponse | None:
        return decode(plan)
