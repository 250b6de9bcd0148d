"""Legacy completions: requests, which have prompts instead of messages, and the texts of a Reply as one body or as
chunks. No reader of a request raises on any JSON.

The protocol has no roles, calls or refusals. The text of a refusal is sent as text, everything else is
omitted. In recordings of 2025 and 2026, the last chunk of a truncated text contains the finish reason; a
complete text has a separate last chunk for the reason.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.lazy import lazy
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import Framing, Kind, Plan
from mockllm.core.rendering.stream_form import StreamForm
from mockllm.core.reply.logprobs import chunk_token_texts, part_token_texts, token_logprobs
from mockllm.core.reply.reply import Choice, Finish, Part, Refusal, Reply, Text, Usage
from mockllm.core.request.request import Message, Request, Sampling
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.errors import error_object
from mockllm.dialects.openai.headers import BODY_HEAD, STREAM_HEAD, body_plan, head
from mockllm.dialects.openai.logprobs import columns
from mockllm.dialects.openai.request_builder import build_completions
from mockllm.dialects.openai.request_fields import (
    ModelRequest,
    TokenInput,
    choice_count,
    count_inputs,
    input_message,
    is_token_list,
    texts,
)
from mockllm.dialects.openai.stream_forms import COMPLETIONS_FORM
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    check_fields,
    check_readable,
    decimal,
    integer,
    members,
    object_,
    refuse,
    string,
    wrong_type,
)

MAX_TOTAL_CHOICES: Final = 2048
"""The maximum number of choices of all prompts of one request. The real service's total depends on the account."""
MAX_LOGPROBS: Final = 5
"""The maximum number of likeliest tokens per position."""
KNOWN_FIELDS: Final = frozenset({
    "best_of", "echo", "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "model", "n",
    "presence_penalty", "prompt", "seed", "stop", "stream", "stream_options", "suffix", "temperature",
    "top_p", "user"
})  # fmt: skip
"""The fields of the request, as the types of the SDK name them. Other fields of a body pass, and are noted."""


class CompletionsRequest(ModelRequest):
    """A request whose prompts are one message of the user. Each prompt gets its own choices; `sampling.n`
    counts all of them."""

    api = "completions"
    generates = True
    known = KNOWN_FIELDS

    @lazy
    def prompts(self) -> tuple[TokenInput, ...]:
        value = self.fields.get("prompt")
        if type(value) is not list:
            return (value if type(value) is str else "",)
        if is_token_list(value):
            return (value,)
        return tuple(
            prompt for prompt in value[:MAX_TOTAL_CHOICES] if type(prompt) is str or is_token_list(prompt)
        ) or ("",)

    @lazy
    def messages(self) -> tuple[Message, ...]:
        return (input_message(self.prompts),)

    @lazy
    def sampling(self) -> Sampling:
        fields = self.fields
        stop, limit = fields.get("stop"), fields.get("max_tokens")
        return Sampling(
            n=min(choice_count(fields.get("n")), MAX_TOTAL_CHOICES // len(self.prompts)) * len(self.prompts),
            stop=(stop,) if type(stop) is str else tuple(texts(stop)),
            max_tokens=limit if type(limit) is int and limit >= 0 else None,
        )

    @lazy
    def input_tokens(self) -> int:
        return count_inputs(self.prompts)

    @lazy
    def logprobs(self) -> int | None:
        """The number of likeliest tokens at each position; None where the request has no probabilities."""
        value = self.fields.get("logprobs")
        return min(value, MAX_LOGPROBS) if type(value) is int and value >= 0 else None

    @lazy
    def offsets(self) -> tuple[int, ...]:
        """The position where each choice's text begins, counted from the start of its prompt; 0 where the
        prompt is echoed."""
        if self.echoed:
            return (0,) * len(self.echoed)
        count = max(1, self.sampling.n // len(self.prompts))
        return tuple(
            len(prompt) if isinstance(prompt, str) else 0 for prompt in self.prompts for _ in range(count)
        )

    @lazy
    def echoed(self) -> tuple[str, ...]:
        """The echoed prompt before each choice's text, where the request sets `echo`. The text of token
        prompts is unknown here and is not echoed."""
        if self.fields.get("echo") is not True:
            return ()
        count = max(1, self.sampling.n // len(self.prompts))
        return tuple(
            prompt if isinstance(prompt, str) else "" for prompt in self.prompts for _ in range(count)
        )


def check(request: Request) -> Failure | None:
    error = check_readable(request)
    if error is not None:
        return error
    body = request.fields
    if body.get("model") is None:
        return refuse("you must provide a model parameter")
    error = check_fields(body, FIELDS)
    if error is not None:
        return error
    if body.get("stream_options") is not None and body.get("stream") is not True:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        return refuse(message, "stream_options")
    return _check_choice_count(body.get("prompt"), body.get("n") or 1)


def _check_choice_count(prompt: Json, n: int) -> Failure | None:
    count = len(prompt) if type(prompt) is list and not is_token_list(prompt) else 1
    if count * n <= MAX_TOTAL_CHOICES:
        return None
    return refuse(
        f"Too many parallel completions requested. You submitted {count * n} prompts, but you can currently "
        f"request up to at most a total of {MAX_TOTAL_CHOICES}).",
        "prompt",
    )


def _check_prompt(value: Json, path: str) -> Failure | None:
    if type(value) is str or is_token_list(value):
        return None
    several = type(value) is list and bool(value)
    if several and (
        all(type(entry) is str for entry in value) or all(is_token_list(entry) for entry in value)
    ):
        return None
    return wrong_type(value, path, "one of a string, array of strings, array of integers or array of those")


def _check_stop(value: Json, path: str) -> Failure | None:
    return None if type(value) is str else array(string, "strings", max_length=4)(value, path)


FIELDS: Final[Mapping[str, Check]] = {
    "model": string,
    "prompt": _check_prompt,
    "best_of": integer(0, 20),
    "echo": boolean,
    "frequency_penalty": decimal(-2, 2),
    "logit_bias": object_,
    "logprobs": integer(0, 5),
    "max_tokens": integer(0),
    "n": integer(1, 128),
    "presence_penalty": decimal(-2, 2),
    "seed": integer(),
    "stop": _check_stop,
    "stream": boolean,
    "stream_options": members((), {"include_usage": boolean, "include_obfuscation": boolean}),
    "suffix": string,
    "temperature": decimal(0, 2),
    "top_p": decimal(0, 1),
    "user": string,
}


DEFAULT_MODEL: Final = "gpt-3.5-turbo-instruct"
SNAPSHOTS: Final = {
    "gpt-3.5-turbo-instruct": "gpt-3.5-turbo-instruct:20230824-v2",
    "davinci-002": "davinci:2023-07-21-v2",
    "babbage-002": "babbage:2023-07-21-v2",
}
FINISH: Final[dict[Finish, str]] = {"length": "length", "content_filter": "content_filter"}
"""The finish reasons other than `stop`."""


def top_fields(stamp: ResponseIdentity) -> dict[str, Json]:
    """Return the fields at the top of the body and of every chunk, except the model."""
    return {"id": stamp.ids.make("cmpl-", 29), "object": "text_completion", "created": stamp.second}


def model(reply: Reply, request: Request) -> str:
    requested = request.model or DEFAULT_MODEL
    return reply.model if reply.model is not None else SNAPSHOTS.get(requested, requested)


def finish(choice: Choice) -> str:
    return FINISH.get(choice.finish, "stop")


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
        parts: list[Part] = [Text((echoed[number],))] if number < len(echoed) and echoed[number] else []
        for part in choice.parts:
            if type(part) is Refusal:
                parts.append(Text(part.chunks))
            elif type(part) is Text:
                parts.append(part)
        choices.append(replace(choice, parts=tuple(parts)))
    return replace(reply, choices=tuple(choices))


class CompletionsEncoder(Encoder):
    """The chunks of a stream. The reply is already a supported reply; a prompt is echoed once."""

    def __init__(self, reply: Reply, request: CompletionsRequest, stamp: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request, self._stamp = request, stamp
        extras = {key: value for key, value in reply.extras.get("openai", {}).items() if key != "usage"}
        self._top = dumps(top_fields(stamp))[:-1] + b',"choices":['
        self._tail = (
            b'],"model":' + dumps(model(reply, request)) + (b"," + dumps(extras)[1:-1] if extras else b"")
        )
        self._null = b',"usage":null}' if request.include_usage else b"}"
        self._remaining = [_chunk_count(choice) for choice in reply.choices]
        """The number of chunks of each choice that are still to send."""
        self._columns = _columns(reply, request)

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        self._remaining[at.choice] -= 1
        cut = self._remaining[at.choice] == 0 and self._joined(at.choice)
        logprobs = self._columns[at.choice].next(chunk_token_texts(at.part, chunk)) if self._columns else None
        return (self._chunk(at.choice, dumps(chunk), b'"length"' if cut else b"null", dumps(logprobs)),)

    def end(self, choice: int) -> Iterable[Event]:
        if self._joined(choice):
            return ()
        return (self._chunk(choice, b'""', dumps(finish(self.reply.choices[choice]))),)

    def finish(self) -> Iterable[tuple[Kind, Event]]:
        if self._request.include_usage and self.reply.usage.presence != "missing":
            counted = self.reply.extras.get("openai", {}).get("usage", usage(self.reply.usage))
            counted = counted if self.reply.usage.presence == "counted" else None
            yield "usage", (self._top + self._tail + b',"usage":' + dumps(counted) + b"}", None)
        yield "end", (b"[DONE]", None)

    def fail(self, failure: Failure) -> Iterable[Event]:
        error = {"error": error_object(failure, self._request, self._stamp)}
        if not failure.in_chunk:
            return ((dumps(error), None),)
        chunk, name = self._chunk(0, b'""', b'"error"')
        return ((chunk[:-1] + b"," + dumps(error)[1:], name),)

    def _joined(self, choice: int) -> bool:
        """Return whether the last chunk of a choice contains the finish reason of a truncated text."""
        reply_choice = self.reply.choices[choice]
        return reply_choice.finish == "length" and self.reply.ends and _chunk_count(reply_choice) > 0

    def _chunk(self, choice: int, text: bytes, reason: bytes, logprobs: bytes = b"null") -> Event:
        form = b'{"text":%b,"index":%d,"logprobs":%b,"finish_reason":%b}'
        payload = form % (text, choice, logprobs, reason)
        return self._top + payload + self._tail + self._null, None


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


def body(reply: Reply, request: CompletionsRequest, stamp: ResponseIdentity) -> dict[str, Json]:
    """Return the object of a non-streaming response."""
    choices: list[dict[str, Json]] = [
        {"text": choice.text, "index": number, "logprobs": None, "finish_reason": finish(choice)}
        for number, choice in enumerate(reply.choices)
    ]
    for number, column in enumerate(_columns(reply, request)):
        parts = reply.choices[number].parts
        tokens = [
            token for part in parts if type(part) is Text for token in part_token_texts(part, streamed=False)
        ]
        choices[number]["logprobs"] = column.next(tokens)
    result = {**top_fields(stamp), "model": model(reply, request), "choices": choices}
    result = {**result, "usage": usage(reply.usage), **reply.extras.get("openai", {})}
    return reply.usage.put_into(result, "usage")


def decode(plan: Plan) -> DecodedResponse | None:
    decoder = ResponseDecoder(plan)
    for payload in payloads(plan):
        match payload:
            case {"error": dict(error)}:
                decoder.recognized, decoder.error = True, error
            case {"object": "text_completion", "choices": list(choices)}:
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
        unsupported_parts=frozenset({"citations", "images"}),
        error_in_chunk=True,
    )
    request = CompletionsRequest

    check = staticmethod(check)
    decode = staticmethod(decode)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, CompletionsRequest)
        return supported_reply(reply, request)

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, CompletionsRequest)
        return body_plan(body(reply, request, stamp), stamp, BODY_HEAD)

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, CompletionsRequest)
        steps = tuple(encode(CompletionsEncoder(reply, request, stamp)))
        return Plan(head(200, STREAM_HEAD, stamp), steps, Framing.SSE)

    def stream_form(self, request: Request) -> StreamForm:
        return COMPLETIONS_FORM

    def variant(self, request: Request) -> Hashable:
        assert isinstance(request, CompletionsRequest)
        top = request.logprobs
        return request.include_usage, request.echoed, top, () if top is None else request.offsets

    def build_request(self, request: NeutralRequest) -> WireRequest:
        return build_completions(request, DEFAULT_MODEL)
