"""Journal entries: requests without their secrets, and all from which their responses can be reconstructed.

The bytes that were sent are not stored. `reconstruction.py` computes them when a reader needs them.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

from multidict import CIMultiDict

from mockllm.core.header_secrets import shown_headers
from mockllm.core.redaction import Redactor, client_key_hash, optional_key_hash, secrets_of
from mockllm.core.rendering.placeholders import PlaceholderStep
from mockllm.core.rendering.plan import SWITCHING_PROTOCOLS, EventStep, Framing, Plan, RawStep, Step
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.core.request.body_secrets import body_secrets
from mockllm.core.request.request import Request
from mockllm.core.secret_masker import SecretMasker
from mockllm.core.text_cache import text_cache
from mockllm.core.url_secrets import without_credentials
from mockllm.engine import PlannedResponse, seed_token
from mockllm.server.ended_exchange import EndedExchange, is_unsent
from mockllm.server.exchange import EndReason
from mockllm.server.http1 import HttpConstraints
from mockllm.server.server_limits import KIB, MIB
from mockllm.server.verdict_input import WEBSOCKET_PREFIX

MAX_SHOWN_MODEL: Final = 1_000
"""The characters of a model that are shown: a client chooses it."""
OVERHEAD: Final = 1500
"""Bytes of an entry beside its texts, about."""
MAX_SEARCHED: Final = 256 * MIB
"""The bytes of a body times the secrets of the headers and the target. With more of them, the body is not stored,
since the search would delay other requests."""


class JournalEntry(NamedTuple):
    """`number` counts from 1 and is never used again. `target` is path and query without credentials. `now`,
    `monotonic`, `write_times`, `duration`, `http2`, `in_batch` and `held_seconds` are as in `EndedExchange`.
    `body_stored`: the body fitted into the journal, and the search for secrets in it was short enough
    (`MAX_SEARCHED`, `secret_masker.MAX_ESCAPES`)."""

    number: int
    now: float
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes
    body_stored: bool
    client_address: str
    session: str | None
    api_key_hash: str | None
    request_class: type[Request] | None
    provider: str | None
    model: str | None
    response: PlannedResponse
    constraints: HttpConstraints
    sends_cors_headers: bool
    monotonic: float
    duration: float
    end_reason: EndReason
    write_times: array[float] | None
    size: int
    http2: bool = False
    in_batch: bool = False
    held_seconds: float = 0.0
    redactor: Redactor = Redactor()
    """Masks the secrets of the request's headers and target that its response, its model or another text repeats."""

    @property
    def full_redactor(self) -> Redactor:
        """Masks also the secrets in the fields of the body, which it parses."""
        secrets = body_secrets(self.header("content-type") or "", self.raw)
        return self.redactor.with_secrets(secrets) if secrets else self.redactor

    @property
    def shown_model(self) -> str | None:
        """The model without secrets, shortened."""
        return self.model and self.redactor.beginning(self.model, MAX_SHOWN_MODEL)

    @property
    def duration_with_hold(self) -> float:
        """Seconds from the request to the end of the response, with those for which it was held."""
        return self.held_seconds + self.duration

    @property
    def unsent(self) -> bool:
        """Whether no byte of the response was sent; `status` is the planned one then."""
        return is_unsent(self.response, self.write_times)

    @property
    def over_websocket(self) -> bool:
        """Whether this is the handshake of a WebSocket or a message over one, which no HTTP request repeats."""
        return self.status == SWITCHING_PROTOCOLS or self.method.startswith(WEBSOCKET_PREFIX)

    def is_of_session(self, id: str) -> bool:
        """Return whether this is the request's session. The id of a session that looks like an API key may also be
        its redacted form."""
        return self.session is not None and id in (self.session, self.redactor.session(self.session))

    def header(self, name: str) -> str | None:
        """Return the first value of a header by its lower-case name."""
        return next((value for each, value in self.headers if each.lower() == name), None)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query_string(self) -> str:
        return self.target.partition("?")[2]

    @property
    def http_version(self) -> str:
        """The version of HTTP of the request: `1.1`."""
        return "2" if self.http2 else "1.0" if self.constraints.http10 else "1.1"

    @property
    def endpoint(self) -> str | None:
        """The name of the protocol's call, such as `openai-chat`; None outside every protocol."""
        return None if self.request_class is None else endpoint(self.request_class)

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def responder_id(self) -> str | None:
        """The id of the rule or modifier that responds, or the name of a call: see `PlannedResponse`. The control API
        has it as `rule`."""
        return self.response.responder_id

    @property
    def notes(self) -> tuple[str, ...]:
        return self.response.notes

    @property
    def unmatched(self) -> bool:
        return self.response.unmatched

    @property
    def streamed(self) -> bool:
        return self.response.content.framing is not Framing.PLAIN

    @property
    def seed(self) -> str:
        """The value of `x-mockllm-seed` that repeats the response in a fresh session. It is empty if the
        engine decided nothing, or another server responded. A suspended response that went on has that of its last
        decision."""
        return seed_token.token_of(self.response.seed_token, self.response.id_seed)


def endpoint(request_class: type[Request]) -> str | None:
    """Return the name of the endpoint of requests of this class."""
    return None if request_class.api is None else f"{request_class.dialect}-{request_class.api}"


def entry_of(number: int, ended: EndedExchange, max_bytes: int) -> JournalEntry:
    """Return the entry of an ended exchange. An entry that is larger than `max_bytes` has no body."""
    response, target = _response(ended), without_credentials(ended.target)
    headers, raw = headers_and_body(ended)
    secrets = secrets_of(headers.items(), ended.target)
    masked = SecretMasker(secrets).masked(raw) if len(raw) * len(secrets) <= MAX_SEARCHED else None
    searched, raw = masked is not None, masked or b""
    pairs = shown_headers(headers.items())
    size = OVERHEAD + len(target) + sum([len(name) + len(value) for name, value in pairs]) + _size(response)
    size += 0 if ended.write_times is None else 8 * len(ended.write_times)
    body_stored = searched and size + len(raw) <= max_bytes
    raw = raw if body_stored else b""
    return JournalEntry(
        number=number,
        now=ended.now,
        method=ended.method,
        target=target,
        headers=pairs,
        raw=raw,
        body_stored=body_stored,
        client_address=ended.client_address,
        session=ended.session,
        api_key_hash=client_key_hash(headers, ended.target) or _protocol_key_hash(ended, headers),
        request_class=ended.request_class,
        provider=ended.provider,
        model=ended.model,
        response=response,
        constraints=ended.constraints,
        sends_cors_headers=ended.sends_cors_headers,
        monotonic=ended.monotonic,
        duration=ended.duration,
        end_reason=ended.end_reason,
        write_times=ended.write_times,
        size=size + len(raw),
        http2=ended.http2,
        in_batch=ended.in_batch,
        held_seconds=ended.held_seconds,
        redactor=Redactor(_secrets_in_texts(secrets, ended, target, pairs, response)),
    )


def _protocol_key_hash(ended: EndedExchange, headers: Mapping[str, str]) -> str | None:
    """Return the hash of a key in a place that only the protocol knows; None without one."""
    request_class = ended.request_class
    if request_class is None or request_class.api_key is Request.api_key:
        return None
    path, _, query = ended.target.partition("?")
    request = request_class(method=ended.method, path=path, headers=headers, query_string=query)
    return optional_key_hash(request.api_key)


def _secrets_in_texts(
    secrets: Sequence[str],
    ended: EndedExchange,
    target: str,
    pairs: Sequence[tuple[str, str]],
    response: PlannedResponse,
) -> Sequence[str]:
    """Return the secrets that the texts of an entry contain. Others are not stored anywhere."""
    if not secrets:
        return ()
    content = response.content
    texts = [ended.method, target, unquote_plus(target), ended.session or "", ended.model or ""]
    texts += (*response.notes, *response.near_misses)
    texts += [text for pair in pairs for text in pair]
    if isinstance(content, Plan):
        texts += [value for _, value in content.head.headers]
        searched = b"".join([_bytes_of(step) for step in content.steps])
    else:  # its headers contain nothing of the request
        searched = b"\n".join([_unfilled_bytes(content), *response.placeholder_values])
    searched += "\n".join(texts).encode("utf-8", "surrogateescape")
    return SecretMasker(secrets).contained(searched)


@lru_cache(maxsize=16)
def _unfilled_bytes(content: PrerenderedResponse) -> bytes:
    """Return all bytes of a response but for its placeholders. Many entries in a row have the same response."""
    steps = [step for step in content.steps if type(step) is PlaceholderStep]
    return b"".join([part for step in steps for part in step.parts])


def _bytes_of(step: Step) -> bytes:
    return step.payload if type(step) is EventStep else step.data if type(step) is RawStep else b""


def _response(ended: EndedExchange) -> PlannedResponse:
    """Return the response as it was sent."""
    if ended.id_seed is None:
        return ended.response
    return ended.response.refilled(ended.id_seed, ended.now, ended.input_tokens)


def headers_and_body(ended: EndedExchange) -> tuple[Mapping[str, str], bytes]:
    """Return headers and body of the request of an ended exchange."""
    received = ended.received
    if not received:
        return ended.headers, ended.raw
    start = len(received) - ended.body_length
    lines = received[:start].lstrip(b"\r\n").split(b"\r\n")[1:]
    return CIMultiDict([*takewhile(any, map(_header_of, lines))]), received[start:]


@text_cache(1024)  # clients repeat most lines
def _header_of(line: bytes) -> tuple[str, str]:
    """Return the name and the value of a header's line; two empty texts for a line without a colon."""
    name, colon, value = line.partition(b":")
    return (_text(name), _text(value.strip(b" \t"))) if colon else ("", "")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


MAX_MEASURED_STEPS: Final = 8
"""The size of a response with more steps is estimated."""
MAX_SUMMED_STEPS: Final = 2_000
"""The size of a response with as many steps or more is estimated by fewer of them."""
BYTES_PER_STEP: Final = 400
"""Estimated bytes of a step."""


def estimated_bytes(response: PlannedResponse) -> int:
    """Return an estimate of the bytes that a response holds."""
    content = response.content
    if isinstance(content, PrerenderedResponse):
        return KIB
    return BYTES_PER_STEP * len(content.steps) if len(content.steps) > MAX_MEASURED_STEPS else _size(response)


def _size(response: PlannedResponse) -> int:
    """Return the bytes that a response holds alone: a prerendered response is shared."""
    content = response.content
    if isinstance(content, PrerenderedResponse):
        return sum([len(part) for part in response.placeholder_values])
    stride = len(content.steps) // MAX_SUMMED_STEPS + 1
    size = 100 * len(content.steps) + sum(map(len, response.near_misses))
    steps = content.steps if stride == 1 else content.steps[::stride]
    return size + stride * sum([len(_bytes_of(step)) for step in steps])
