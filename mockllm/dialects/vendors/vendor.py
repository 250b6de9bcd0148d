"""The row of a vendor: where its calls are found, and how its responses differ from OpenAI's.

A vendor speaks OpenAI's protocol with differences. The common part is code (`chat.py`). A difference of several
vendors is a field of `Vendor`. A difference of a single vendor is a small encoder class in the vendor's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct, field

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.prompt_cache.policy import CachePolicy
from mockllm.core.randomness import BASE62, HEX, Ids, as_uuid
from mockllm.core.rendering.encoder import Encoder
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.reply.reply import Finish, Reply, Usage
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.chat.response_body import WIRE_FINISH
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.openai.embeddings import VECTOR_FORMS, VectorForms
from mockllm.dialects.openai.errors import ROWS, OpenAiErrorRows, mask_key
from mockllm.dialects.price import NO_PRICES, PriceList
from mockllm.dialects.rate_limit_headers import LimitHeaders, SpentLimit

Edit: TypeAlias = Callable[[dict[str, Json]], None]
"""Changes an object in place."""


DIGITS: Final = bytes(b"0123456789"[byte % 10] for byte in range(256))
LOWER: Final = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[byte % 36] for byte in range(256))


class VendorIdFormat(Struct, frozen=True):
    """The format of an id: `length` characters after the prefix; a UUID where `length` is None. `counted`: the
    prefix ends with the number of the call in two digits."""

    prefix: str = ""
    length: int | None = None
    alphabet: bytes = BASE62
    counted: bool = False

    def make(self, ids: Ids, place: str, number: int = 0) -> str:
        if self.length is not None:
            prefix = f"{self.prefix}{number:02}_" if self.counted else self.prefix
            return ids.make(prefix, self.length, place, self.alphabet)
        return self.prefix + map_placeholder(as_uuid, ids.make("", 32, place, HEX))


HeadersWithIds: TypeAlias = Mapping[str, str | VendorIdFormat]
"""Headers in which a `VendorIdFormat` is replaced by a new id in each response."""


def copy_members(members: Mapping[str, Json]) -> dict[str, Json]:
    """Return the members with copies of the objects among them: edits of a response change these in place."""
    return {
        name: copy_members(value) if isinstance(value, dict) else value for name, value in members.items()
    }


class VendorChatForm(Struct, frozen=True):
    """The form of a vendor's chat responses. The members are merged into the response that all vendors share:
    `body` and `chunk` at the top, `choice` and `message` below it."""

    id: VendorIdFormat = VendorIdFormat("chatcmpl-")
    call_id: VendorIdFormat = VendorIdFormat("call_", 24)
    body: Mapping[str, Json] = field(default_factory=dict)
    chunk: Mapping[str, Json] = field(default_factory=dict)
    choice: Mapping[str, Json] = field(default_factory=dict)
    message: Mapping[str, Json] = field(default_factory=dict)
    thinking: str | None = None
    """The member that contains the reasoning; None where the vendor never shows it."""
    without_text: Mapping[str, Json] = field(default_factory=lambda: {"content": None})
    """The members that replace the content of a message with calls and no text."""
    indexed_calls: bool = False
    """Whether the calls of a non-streaming response have an index too."""
    complete_calls: bool = False
    """Whether a stream sends a complete call in one chunk."""
    calls_with_finish: Literal["each", "last"] | None = None
    """The calls whose last chunk contains the finish reason."""
    finish: Mapping[Finish, str] = field(default_factory=lambda: WIRE_FINISH)
    usage: Callable[[Usage], dict[str, Json]] = plain_usage
    usage_chunk: Literal["alone", "finish"] = "alone"
    """The chunk of a stream that contains the usage: a separate one, or the one with the finish reason."""
    always_usage: bool = False
    """Whether a stream contains the usage where the request does not include it."""
    null_usage: bool = False
    """Whether the chunks before the usage have a `usage` of null."""
    media: str = "text/event-stream"
    """The content type of a stream."""
    citations: bool = False
    """Whether a response has the sources of its text."""
    images: bool = False
    """Whether a response has images where the request wants them."""


Envelope: TypeAlias = Callable[[dict[str, Json], int, Ids], Json]
"""Returns the body of an error from OpenAI's error object and the status."""


def openai_envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    return {"error": inner}


class VendorErrors(Struct, frozen=True):
    """The errors of a vendor. `event` is the name of an error event inside a stream, where it has one."""

    rows: OpenAiErrorRows = field(default_factory=lambda: ROWS)
    envelope: Envelope = openai_envelope
    event: str | None = None
    milliseconds: Literal["wait", "zero"] | None = None
    """What `retry-after-ms` has beside the wait in seconds. `zero`: 0 for the provider's own wait, where SDKs
    fall back to another wait, and else the wait. None: there is no such header."""
    mask: Callable[[str], str] = mask_key
    """Masks a key in a message."""
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the vendor's headers that an error has, by error; others have all."""
    spent: SpentLimit | None = None
    """The headers of its limits that differ in a 429; None where it sends none."""
    details: Callable[[float], list[Json]] | None = None
    """Returns error details that contain the wait, in seconds, until the next attempt; None where headers
    contain it."""
    edit: Callable[[Failure, Request], Failure] | None = None
    """Returns the failure of a request in the vendor's form."""


class BodyEncoder(Encoder):
    """An encoder that also makes the body of a non-streaming response."""

    def body(self) -> dict[str, Json]:
        raise NotImplementedError  # pragma: no cover - abstract


EncoderFactory: TypeAlias = "Callable[[Reply, ChatRequest, ResponseIdentity, Vendor], BodyEncoder]"
"""Makes the encoder of one chat response of a vendor."""


class Vendor(Struct, frozen=True):
    """A vendor. `bases` are the paths before `/chat/completions` and further calls; the first one is the
    base that its clients use. Every response has the `headers`. `edit_response` and `edit_embeddings` change
    the objects of these calls in place; a vendor without `edit_response` has no such call."""

    name: str
    encoder: EncoderFactory
    """A subclass of `VendorEncoder`, or a function that selects one."""
    bases: tuple[str, ...] = ("/v1",)
    form: VendorChatForm = field(default_factory=VendorChatForm)
    errors: VendorErrors = field(default_factory=VendorErrors)
    headers: HeadersWithIds = field(default_factory=dict)
    success_headers: HeadersWithIds = field(default_factory=dict)
    """Further headers of responses that are no error."""
    media: str = "application/json"
    """The content type of a non-streaming response that is no error."""
    edit_response: Edit | None = None
    response_ids: Callable[[Ids], Ids] | None = None
    """Returns the ids of a responses call; None: OpenAI's."""
    check_items: Callable[[Sequence[dict[str, Json]]], Failure | None] | None = None
    """Returns what it refuses of the items of a responses request, before OpenAI's check."""
    check_chat: Callable[[dict[str, Json]], Failure | None] | None = None
    """Returns what it refuses of a chat request, before OpenAI's check."""
    check_embeddings: Callable[[dict[str, Json]], Failure | None] | None = None
    """Returns what it refuses of a well-formed embeddings request."""
    edit_embeddings: Edit | None = None
    vector_forms: VectorForms = field(default_factory=lambda: VECTOR_FORMS)
    embedding_headers: HeadersWithIds | None = None
    """The headers of its embeddings call; None: `headers`."""
    edit_completion: Callable[..., None] | None = None
    """Changes an object of the legacy completions in place. Further arguments are the `usage`, and whether
    the object is a chunk of a stream (`streamed`)."""
    edit_model: Edit | None = None
    """Changes each of its models, in place."""
    openai_request: Callable[[dict[str, Json]], dict[str, Json]] | None = None
    """Returns a chat request in OpenAI's form, for vendors that accept what OpenAI refuses. Only the check
    uses it."""
    maximum_field: str = "max_completion_tokens"
    """The field of a chat request for the most tokens of a response."""
    model: str | None = None
    """The model of an example that names none, and of the response to a request that names none."""
    embedding_model: str | None = None
    """The model of embeddings of a request that names none; None: `model`."""
    serves_first_model: bool = False
    """Whether a request that names none gets the first model of its list, which a rule may name."""
    title: str | None = None
    """Its name in the docs; None: `name` with a capital letter."""
    telemetry_name: str | None = None
    """`gen_ai.provider.name` of OpenTelemetry; None: `name`."""
    limit_headers: LimitHeaders | None = None
    """Writes the state of a rate limit as its headers; None where it sends none."""
    cache: Callable[[Request], CachePolicy | None] | None = None
    """Returns how it caches the prompt of a request; None where it does not, or where this is unknown."""
    prices: PriceList = NO_PRICES
    hosts: tuple[str, ...] = ()
    """The ends of its API's host names, by which recordings are known as this vendor's."""

    def path(self, call: str) -> str:
        """Return the path of a call on this server."""
        return f"/{self.name}{self.bases[0]}{call}"
