"""What the engine asks of a wire protocol: read it, check it, and say a reply or an error in it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, Protocol

from mockllm.core.failure import Failure
from mockllm.core.randomness import Ids
from mockllm.core.rendering.placeholders import derive
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.request.stored_responses import StoreUpdate
from mockllm.dialects.capabilities import Capabilities
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest


class ResponseIdentity(NamedTuple):
    """The ids and the time (epoch seconds) of a response. Both may be placeholders (core.rendering.placeholders)."""

    ids: Ids
    now: float

    @property
    def second(self) -> int:
        """The time in whole seconds."""
        return derive(int, self.now)


class Dialect(Protocol):
    """One call of one provider's API (chat completions, messages, the list of models …).

    Everything is synchronous and pure; no method raises on any request.
    """

    @property
    def name(self) -> str:
        """The provider whose protocol it is: what `match: {dialect: …}` sees."""

    @property
    def api(self) -> str:
        """Which of its calls: what `match: {api: …}` sees."""

    @property
    def generates(self) -> bool:
        """Whether it is answered with a Reply (a `Generating`), else by itself (a `Lookup`)."""

    @property
    def request(self) -> type[Request]:
        """Reads this call's requests."""

    def check(self, request: Request) -> Failure | None:
        """What is wrong with the request's shape or ranges (`validation: strict`); None where nothing is.
        Its type, status, message and fields are the provider's own."""

    def check_readable(self, request: Request) -> Failure | None:
        """What is wrong where the body is no JSON object (`validation: lenient`); None where it is one."""

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        """A whole answer with the failure in this provider's status, envelope and headers."""


class StoringDialect(Dialect, Protocol):
    """A call of whose answers something is remembered."""

    def store_update(self, plan: Plan, request: Request) -> StoreUpdate | None:
        """What is to be remembered of an answer that leaves now."""


class GeneratingDialect(Dialect, Protocol):
    """A call that is answered with a Reply."""

    @property
    def capabilities(self) -> Capabilities:
        """What the protocol can express."""

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        """What this protocol says of a reply: without the parts and choices that it does not show. Beats are
        counted on this, and the other methods take it."""

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        """The reply as one body: a single Data step of kind `body`."""

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        """The reply as a stream of events."""

    def variant(self, request: Request) -> Hashable:
        """All of the request, beside the model and the number of choices, that changes how a given reply is
        written: two requests of the same variant get the same bytes but for ids, time and input tokens."""

    def build_request(self, wish: NeutralRequest) -> WireRequest:
        """A request in this provider's words."""

    def decode(self, plan: Plan) -> DecodedResponse | None:
        """What an answer of this protocol says, error answers included; None where it is none."""


class LookupDialect(Dialect, Protocol):
    """A call that the dialect answers by itself (lists of models) unless a rule names its api or path."""

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        """`models` are the literal model names of the loaded rules."""


class EmbeddingDialect(LookupDialect, Protocol):
    """A call that answers with vectors, which a rule may give."""

    def embed(self, said: EmbeddingResult | None, request: Request, stamp: ResponseIdentity) -> Plan:
        """These vectors, or None: those that the call makes of its inputs."""
