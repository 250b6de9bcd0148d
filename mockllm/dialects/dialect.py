"""The interface between the engine and a protocol: read and check requests, encode replies and errors.

`docs/adding-a-dialect.md` has the further members that few dialects have, and that the engine looks for by name.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from mockllm.core.batch import BatchOutcome
from mockllm.core.failure import Failure
from mockllm.core.randomness import Ids
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.rendering.plan import Framing, Plan
from mockllm.core.rendering.stored_parts import StoredParts
from mockllm.core.reply.embeddings import COMPUTED, EmbeddingResult
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.core.user_speech import UserSpeech
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest

SSE: Final = frozenset({Framing.SSE})


class ProtocolCapabilities(Struct, frozen=True):
    """What a protocol can express. The shared tests check that `build_request` leaves out the fields that it lacks of
    a `NeutralRequest`, and `supported_reply` the parts of a reply. The engine and hunts read few of these facts."""

    # --- requests ---
    conversation: bool = True
    """Turns, tools and a maximum of output tokens: True only if the protocol has all three. Legacy completions have
    the maximum alone."""
    system_text: bool = True
    tool_choice: bool = True
    tool_descriptions: bool = True
    """Descriptions of tools."""
    stop: bool = True
    """Stop sequences."""
    choices: bool = True
    """Several choices (`n`)."""
    response_schema: bool = True
    """A schema as the response format."""
    json_object: bool = True
    """JSON without a schema as the response format."""
    closed_schemas: bool = False
    """Whether each object of a response's schema must forbid other properties: `build_request` adds that."""

    # --- replies ---
    unsupported_parts: frozenset[str] = frozenset()
    """The keys of a reply that no response has: `citations`, `images`, `thinking`, `tool_calls`. A note names those
    left out."""
    redacted_thinking: bool = False
    """Whether a response has thinking whose text is encrypted; a note says where it is left out."""
    media: frozenset[str] = frozenset()
    """The keys of a reply for media beside images that have a form: `audio`, `video`."""
    requested_media: frozenset[str] = frozenset()
    """Those that have a form only where the request wants them (`Request.requested_media`)."""
    refusal_ends: bool = False
    """Whether a refusal ends the conversation: the client has to remove the refused turn before it goes on."""
    server_tools: frozenset[str] = frozenset()
    """The tools that the provider runs and that it has a form for; a note names those left out, too."""
    refusal: bool = True
    """Whether a client can tell a refusal from a text."""
    chunked_calls: bool = True
    """Whether a stream sends a call's arguments in chunks; else whole."""
    tool_call_ids: bool = True
    """Whether a tool's result names its call by an id alone. If so, the state stores the tools of the calls by their
    ids."""
    invalid_arguments: bool = True
    """Whether a call can have arguments that are not JSON; else such a call is left out."""
    errors_in_chunks: bool = False
    """Whether a stream may have an error in the event with the finish reason."""
    cache_read: bool = True
    """Whether the usage counts the input tokens that were read from a cache."""
    cache_write: bool = True
    """Whether the usage counts the input tokens that were written to a cache."""
    reasoning: bool = True
    """Whether the usage counts the tokens of the reasoning."""
    framings: frozenset[Framing] = SSE
    """How its streams frame events. A framing is a row of `core/rendering/framing.py`."""

    @property
    def tool_calls(self) -> bool:
        """Whether a response may call tools, also without `conversation`."""
        return "tool_calls" not in self.unsupported_parts


class ResponseIdentity(NamedTuple):
    """The ids and the time (epoch seconds) of a response. Both may be placeholders (core.rendering.placeholders)."""

    ids: Ids
    now: float
    tool_calls: dict[str, tuple[str, str]] | None = None
    """The tool calls that the encoder has collected, as id and tool, by their place. None: it collects none. Then the
    plan is decoded where they are needed."""

    @property
    def epoch_second(self) -> int:
        """The time in whole seconds."""
        return map_placeholder(int, self.now)

    def collecting_tool_calls(self) -> ResponseIdentity:
        """Return an identity whose tool calls the encoder collects."""
        return self._replace(tool_calls={})

    def collect_tool_call(self, place: str, id: str, tool: str) -> None:
        """Collect the id of a tool call. An encoder collects all of them or none."""
        if self.tool_calls is not None:
            self.tool_calls[place] = (id, tool)


class Dialect(Protocol):
    """The adapter for one call (operation) of a provider's protocol, such as chat completions, messages or the list
    of models. A protocol has several of them, which share a `name`. As a key of the language and in
    `Request.dialect`, `dialect` is only that name.

    All methods are synchronous and pure, but encoders fill `identity.tool_calls`. No method raises on any request,
    except what the request's `object_lookup` raises.
    """

    @property
    def name(self) -> str:
        """The protocol's name, which all of its calls share: the value of `match: {dialect: …}` and of
        `Request.dialect`, such as `openai`."""

    @property
    def api(self) -> str:
        """The call's name: the value of `match: {api: …}` and of `Request.api`, such as `chat`. Several calls of a
        protocol may share it."""

    @property
    def generates(self) -> bool:
        """Whether it is a generating call (`Request.generates`): rules that name no call may reply to it, too. Other
        calls, such as those for media, embeddings or batches, get a reply only of a rule that names them."""

    @property
    def request_class(self) -> type[Request]:
        """The class that reads this call's requests."""

    def check(self, request: Request) -> Failure | None:
        """Return the failure of a request whose shape or ranges are wrong (`validation: strict`), else None. Type,
        status, message and fields are the provider's own."""

    def check_readable(self, request: Request) -> Failure | None:
        """Return the failure of a body that is not a JSON object (`validation: lenient`), else None."""

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        """Return a non-streaming response with the failure in this provider's status, envelope and headers."""


class ReplyDialect(Dialect, Protocol):
    """A call whose response is encoded from a Reply. Media calls are such dialects too, with `generates` False."""

    @property
    def capabilities(self) -> ProtocolCapabilities:
        """What the protocol can express."""

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        """Return the reply without the parts and choices that the protocol has no form for. Chunk numbers count the
        chunks of the result. The engine passes the result to the encoders. A supported reply is returned
        unchanged."""

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the reply as one body: a single EventStep of kind `body`."""

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the reply as a stream of events, in one of the declared framings. If the plan has a `background`,
        clients can resume the stream: the engine stores the paced stream in `background.plan`."""

    def event_layout(self, request: Request) -> EventLayout:
        """Return where the events of a stream have calls, finish reasons, usage and texts, for faults that
        change these members."""

    def encoding_key(self, request: Request) -> Hashable:
        """Return every part of the request, beside the model, `stream` and the output bounds, that changes
        how a reply is written. Two requests with equal keys get the same bytes but for ids, time and input tokens."""

    def build_request(self, request: NeutralRequest) -> WireRequest:
        """Write a request in this provider's form."""

    def decode(self, plan: Plan) -> DecodedResponse | None:
        """Read a response of this protocol, errors included; None where it is no response of this protocol."""


class DefaultModelDialect(ReplyDialect, Protocol):
    """A call whose requests may lack the model. `default_model` chooses it, in place of the encoder."""

    def default_model(self, rule_models: Sequence[str]) -> str | None:
        """Return the model of a request that names none; None: the encoder has one. `rule_models`: as in
        `own_response_from_models`."""


class MediaDialect(ReplyDialect, Protocol):
    """A call that makes images, audio, videos or a transcript (`Request.makes_media`). A rule that replies names its
    api or path. Without a rule, the call makes its own."""

    def with_required_media(self, reply: Reply, request: Request) -> Reply:
        """Add to a reply the media that the request requires and the reply lacks. Without a rule, `reply` is
        empty."""


class BackgroundDialect(ReplyDialect, Protocol):
    """A call whose requests may ask for a background response (`Request.background`)."""

    def in_background(
        self, stream: Plan, pace: Pacing, request: Request, identity: ResponseIdentity, *, streamed: bool
    ) -> Plan:
        """Return the response to a client that does not wait. A streaming client gets the stream, with waits for each
        status. Any other client gets the response in its first status. Its `background` has the whole stream."""


class StoringDialect(Dialect, Protocol):
    """A call whose responses clients may retrieve or continue later. With an attribute `update_needs_no_state` that
    is true, what is stored follows from the plan and the request alone."""

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        """Return what the state stores with this response; None where that is nothing."""


class StoredPartsDialect(StoringDialect, Protocol):
    """A call whose usual responses are stored. For a cached response, the cache fills ids and times into prerendered
    stored parts, and parses no response."""

    def stored_parts(self, plan: Plan) -> StoredParts | None:
        """Return the parts of a response that are stored; None where there are none."""

    def update_of(self, parts: StoredParts, request: Request) -> StorageUpdate | None:
        """Return what `storage_update` returns for the plan of these parts."""


class OwnResponseDialect(Dialect, Protocol):
    """A call with a response of the dialect's own (counts, stored objects) unless a rule names its api or path."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure | None:
        """Return the response; None leaves the call to the rules."""


class UnmatchedDialect(Dialect, Protocol):
    """A call that has another error than the usual one for a request that no rule matches."""

    def unmatched_failure(self, failure: Failure, request: Request, *, rule_names_path: bool) -> Failure:
        """Return this error. `failure` is the usual one. `rule_names_path`: whether a rule or modifier names the
        request's path."""


class RequestNamingDialect(Dialect, Protocol):
    """A call whose responses name their request, as JSON-RPC's do by its id."""

    def with_request_id(self, plan: Plan, request: Request) -> Plan:
        """Return a recorded response as the response to this request: it names this one."""


class ModelsDialect(Dialect, Protocol):
    """A call whose own response depends on the models that the rules name, such as a list of models. It has this
    response unless a rule names its api or path."""

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        """Return the response. `rule_models`: the literal model names of the loaded rules, each once."""


OwnResponse: TypeAlias = Callable[[Request, ResponseIdentity], Plan | Failure | None]


def own_response_of(dialect: Dialect, rule_models: Sequence[str]) -> OwnResponse | None:
    """Return what makes the dialect's own response; None where it has none."""
    own: OwnResponse | None = getattr(dialect, "own_response", None)
    from_models: Callable[[Sequence[str], Request, ResponseIdentity], Plan | Failure] | None
    from_models = getattr(dialect, "own_response_from_models", None)
    return own if from_models is None else partial(from_models, rule_models)


def decode(plan: Plan, dialect: Dialect | None) -> DecodedResponse | None:
    """Return a response as its dialect reads it; None where the dialect reads none."""
    found: Callable[[Plan], DecodedResponse | None] | None = getattr(dialect, "decode", None)
    return None if found is None else found(plan)


class UncheckedCall:
    """The base of calls that generate nothing, and pass every check unless they override it."""

    generates: bool = False

    def check(self, request: Request) -> Failure | None:
        return None

    def check_readable(self, request: Request) -> Failure | None:
        return None


class EmbeddingDialect(OwnResponseDialect, Protocol):
    """A call that returns vectors, which a rule may specify."""

    api: str = "embeddings"
    generates: bool = False

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return self.embed(COMPUTED, request, identity)

    def embed(self, result: EmbeddingResult, request: Request, identity: ResponseIdentity) -> Plan:
        """Return a response with these vectors."""


class VoiceDialect(OwnResponseDialect, Protocol):
    """A handshake of a WebSocket with audio, in which a rule may say when the user speaks."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return self.open_voice_session(None, request, identity)

    def open_voice_session(
        self, speeches: Sequence[UserSpeech] | None, request: Request, identity: ResponseIdentity
    ) -> Plan:
        """Return the response of a session whose user speaks so. None: the received audio decides when the user
        speaks."""


class BatchDialect(OwnResponseDialect, Protocol):
    """A call that creates a batch, whose end a rule may specify."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return self.create_batch(BatchOutcome(), request, identity)

    def create_batch(self, outcome: BatchOutcome, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the response with a batch that ends so. Its `background` is a BatchStart. `storage_update` returns
        the lines (core.batch.BatchJob), which the server serves as direct requests."""
