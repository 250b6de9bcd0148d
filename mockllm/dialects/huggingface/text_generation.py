"""Text generation as Hugging Face's servers have it (TGI): whole at /generate, streamed at /generate_stream.

From the types of `huggingface_hub` (2.4: `TextGenerationInput`, `TextGenerationOutput` and
`TextGenerationStreamOutput`). At a model's address a whole response is a list of one, as `InferenceClient` reads it.
There is no recording. The text of the token that ends a stream depends on the model, and is empty here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import count_of, object_of, text_of, texts
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, MemberPlace, Payload
from mockllm.core.rendering.plan import EventStep, Framing, Plan
from mockllm.core.reply.reply import Choice, Finish, Reply, texts_of
from mockllm.core.request.request import Message, Request, TextPart
from mockllm.core.request.response_parameters import OutputBounds
from mockllm.core.tokens import split
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.huggingface.errors import InferenceCall, invalid
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, without_empty
from mockllm.dialects.openai.request_fields import ModelRequest
from mockllm.dialects.vendors.errors import head

FINISH: Final[Mapping[Finish, str]] = {"length": "length", "stop": "eos_token"}
LOGPROB: Final = -0.25
"""The probability of every token, as its logarithm."""
END_TOKEN: Final = {"id": 2, "text": "", "logprob": LOGPROB, "special": True}


class TextGenerationRequest(ModelRequest):
    """A prompt (`inputs`) and its `parameters`. The path names the model, or no one does."""

    api = "text_generation"
    generates = True
    documented_fields = frozenset({"inputs", "parameters", "stream", "options"})

    @cached_property
    def model(self) -> str | None:
        return self.path_variables.get("model")

    @property
    def of_model(self) -> bool:
        """Whether the path is that of a model, not of TGI's own calls."""
        return not self.path.endswith(("/generate", "/generate_stream"))

    @cached_property
    def stream(self) -> bool:
        return self.path.endswith("/generate_stream") or self.fields.get("stream") is True

    @cached_property
    def parameters(self) -> dict[str, Json]:
        return object_of(self.fields.get("parameters"))

    @cached_property
    def prompt(self) -> str:
        return text_of(self.fields.get("inputs")) or ""

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return (Message("user", (TextPart(self.prompt),)),)

    @cached_property
    def output_bounds(self) -> OutputBounds:
        stop = self.parameters.get("stop", self.parameters.get("stop_sequences"))
        return OutputBounds(1, tuple(texts(stop)), count_of(self.parameters.get("max_new_tokens")))

    @property
    def echoes(self) -> bool:
        """Whether the text begins with the prompt."""
        return self.parameters.get("return_full_text") is True


def _finish(choice: Choice) -> str:
    if choice.raw_finish is not None:
        return choice.raw_finish
    return "stop_sequence" if choice.stopped_by is not None else FINISH.get(choice.finish, "eos_token")


def _token(text: str, number: int) -> dict[str, Json]:
    return {"id": 100 + number, "text": text, "logprob": LOGPROB, "special": False}


class TextGenerationEventLayout(EventLayout):
    """Where the events of a stream have the finish reason and texts."""

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        details = payload.get("details")
        if type(details) is dict:
            yield FinishPlace(0, details, ("finish_reason",), bool(details.get("finish_reason")))

    def text(self, payload: Payload) -> MemberPlace | None:
        token = payload.get("token")
        return MemberPlace(token, "text") if type(token) is dict else None


STREAM_LAYOUT: Final = TextGenerationEventLayout()


class TextGenerationEncoder(Encoder):
    """The events of a stream: one for each chunk of the text, and one for the token that ends it."""

    def __init__(
        self, reply: Reply, request: TextGenerationRequest, identity: ResponseIdentity, call: TextGeneration
    ) -> None:
        super().__init__(reply)
        self._request, self._identity, self._call = request, identity, call
        self._sent = 0

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        self._sent += 1
        return (self._event(_token(chunk, self._sent)),)

    def end_choice(self, choice: int) -> Iterable[Event]:
        self._sent += 1
        return (self._event(END_TOKEN, self.reply.choices[choice]),)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return ((dumps(self._call.error_content(failure, self._request, self._identity)), None),)

    def _event(self, token: dict[str, Json], ended: Choice | None = None) -> Event:
        usage = self.reply.usage
        details = ended and {
            "finish_reason": _finish(ended),
            "generated_tokens": usage.output,
            "input_length": usage.input,
            "seed": None,
        }
        text = None if ended is None else ended.text
        event = {"index": self._sent, "token": token, "generated_text": text, "details": details}
        return dumps(event), None


class TextGeneration(InferenceCall):
    """A text that continues a prompt. A reply has texts alone; the text of a refusal is a text."""

    api = "text_generation"
    generates = True
    request_class = TextGenerationRequest
    capabilities = ProtocolCapabilities(
        conversation=False,
        tool_choice=False,
        choices=False,
        json_object=False,
        refusal=False,
        unsupported_parts=frozenset({"citations", "images", "thinking", "tool_calls"}),
        cache_read=False,
        cache_write=False,
        reasoning=False,
    )

    def check(self, request: Request) -> Failure | None:
        failure = self.check_readable(request)
        if failure is not None:
            return failure
        inputs, parameters = request.fields.get("inputs"), request.fields.get("parameters")
        if type(inputs) is not str:
            return invalid("Input validation error: `inputs` must be a string")
        if parameters is not None and type(parameters) is not dict:
            return invalid("Input validation error: `parameters` must be an object")
        limit = object_of(parameters).get("max_new_tokens")
        if limit is not None and count_of(limit) is None:
            return invalid("Input validation error: `max_new_tokens` must be strictly positive")
        return None

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return reply.with_parts(texts_of(reply.choices[0].parts))

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, TextGenerationRequest)
        choice = reply.choices[0]
        text = request.prompt + choice.text if request.echoes else choice.text
        body: dict[str, Json] = {"generated_text": text}
        if request.parameters.get("details") is True:
            tokens = [_token(token, number) for number, token in enumerate(split(choice.text), 1)]
            body["details"] = {
                "finish_reason": _finish(choice),
                "generated_tokens": reply.usage.output,
                "prefill": [],
                "seed": None,
                "tokens": tokens,
            }
        body = merged_json(body, dict(reply.extras.get("openai", {})))
        content = dumps([body] if request.of_model else body)
        return Plan(head(self.vendor, identity, "application/json"), (EventStep(content, 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, TextGenerationRequest)
        steps = tuple(encode(TextGenerationEncoder(reply, request, identity, self)))
        return Plan(head(self.vendor, identity, "text/event-stream"), steps, Framing.SSE)

    def event_layout(self, request: Request) -> EventLayout:
        return STREAM_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, TextGenerationRequest)
        echoed = value_or_digest(request.prompt) if request.echoes else None
        return request.of_model, echoed, request.parameters.get("details") is True

    def build_request(self, request: NeutralRequest) -> WireRequest:
        settings = without_empty({"max_new_tokens": request.max_tokens, "stop": list(request.stop)})
        body = {"inputs": request.user, "parameters": settings, "stream": request.stream is True}
        path = f"/{self.vendor.name}/models/{request.model or self.vendor.model}"
        return WireRequest(path, request.headers(), body)

    def decode(self, plan: Plan) -> DecodedResponse | None:
        decoder = ResponseDecoder(plan)
        for payload in payloads(plan):
            match payload:
                case {"error": str(message), **rest}:
                    decoder.recognized, decoder.error = True, {**rest, "message": message}
                case {"token": {"text": str(text)}, **rest}:
                    decoder.recognized = True
                    decoder.add_text("text", text, visible=text != "")
                    finish = object_of(rest.get("details")).get("finish_reason")
                    decoder.finish = finish or decoder.finish
                case {"generated_text": str(text)} | [{"generated_text": str(text)}]:
                    decoder.recognized = True
                    decoder.add_text("text", text)
        return decoder.result()
