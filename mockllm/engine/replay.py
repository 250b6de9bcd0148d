"""Replays: plans with a recording's own bytes, or a neutral reply decoded from them.

The request's dialect decodes a recording; where it cannot, and a reply is needed, another dialect may. Results are
cached: plans by dialect, stream, coding and whether they are uncompressed; replies by dialect and its form of an
error. Two dialects of one api may decode differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar, cast, get_args

from pydantic import BaseModel

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.gzip import ENCODING, accepts_coding, decompressed_frames
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead, WaitStep
from mockllm.core.rendering.recorded_plan import RecordedFrame, framing_of, replayed
from mockllm.core.reply.reply import Finish, Usage
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate, split
from mockllm.dialects.decoded_response import DecodedCitation, DecodedResponse, DecodedServerTool, payloads
from mockllm.dialects.dialect import Dialect, RequestNamingDialect, decode
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.plan_context import PlanContext
from mockllm.scenario.catalog import CompiledResponse
from mockllm.scenario.language.content import WaitChunk
from mockllm.scenario.language.error import ErrorSpec
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import (
    CitationSpec,
    RawFinishSpec,
    ReplySpec,
    ThinkingSpec,
    ToolCallSpec,
    UsageSpec,
)
from mockllm.scenario.language.server_tools import SERVER_TOOL_SPECS, ServerToolSpec, WebSourceSpec

MAX_CACHED_RECORDINGS: Final = 1024
"""The most parsed recordings that are cached."""


class UnreplayableRecording(Exception):
    """A recording cannot be replayed to a request. By default: as a reply, since no protocol can decode it."""

    def __init__(
        self, reason: str = "no protocol decodes the recording as a response of a model; leave out `as`"
    ) -> None:
        super().__init__(reason)


T = TypeVar("T", bound=BaseModel)


class ReplayedPlan(NamedTuple):
    """A recording's plan. `chunk_tokens` are the token counts of its chunks, by which they are paced.
    `tool_call_count`: the number of its tool calls; `gzipped`: whether it is compressed for clients that accept
    compression."""

    plan: Plan
    chunk_tokens: Sequence[float]
    tool_call_count: int
    gzipped: bool


class ErrorForm(NamedTuple):
    """The members of an error's body, and of the object in it. It may depend on the request, so the cached reply of a
    recorded error depends on it, too."""

    members: frozenset[str]
    error: frozenset[str]


class DecodedRecording(NamedTuple):
    """A recording as a reply or error. `notes` are about what it lacks."""

    compiled: CompiledResponse
    notes: Sequence[str]


class ReplayPlanner:
    """Makes plans of recordings, and caches them."""

    def __init__(self) -> None:
        self._plans: BoundedCache[tuple[CompiledResponse, ReplayedPlan]] = BoundedCache(MAX_CACHED_RECORDINGS)
        self._replies: BoundedCache[tuple[CompiledResponse, DecodedRecording]] = BoundedCache(
            MAX_CACHED_RECORDINGS
        )

    def replay(
        self, compiled: CompiledResponse, request: Request, dialect: Dialect, *, uncompressed: bool
    ) -> ReplayedPlan:
        """Return the plan of a recording for this request; `uncompressed`: faults or MCP act on it."""
        spec = compiled.spec
        assert isinstance(spec, ReplaySpec)
        accepted = accepts_coding(request.headers, _coding(spec.headers) or "gzip")
        key = (id(compiled), dialect, request.stream, accepted, uncompressed)
        cached = self._plans.get(key)
        if cached is None:
            parsed = _replayed(
                compiled, spec, request.stream, dialect, uncompressed=uncompressed, accepted=accepted
            )
            cached = (compiled, parsed)
            self._plans.put(key, cached)
        replayed = cached[1]
        if hasattr(dialect, "with_request_id"):
            plan = cast(RequestNamingDialect, dialect).with_request_id(replayed.plan, request)
            return replayed._replace(plan=plan)
        return replayed

    def decoded_reply(self, context: PlanContext) -> CompiledResponse:
        """Return the recording of a context as a reply or error, and note what it lacks there. Raises
        UnreplayableRecording."""
        compiled, dialect = context.compiled, context.dialect
        spec = compiled.spec
        assert isinstance(spec, ReplaySpec)
        own = None if spec.status < 400 else _own_error(spec.status, context)
        key = (id(compiled), dialect, own)
        cached = self._replies.get(key)
        if cached is None:
            neutral, notes = _neutral(compiled, spec, dialect, own)
            fixed = isinstance(neutral, ReplySpec) and neutral.usage is not None
            neutral_response = CompiledResponse(neutral, compiled.settings, True, compiled.files, fixed)
            cached = (compiled, DecodedRecording(neutral_response, notes))
            self._replies.put(key, cached)
        context.notes += cached[1].notes
        return cached[1].compiled


def _coding(headers: Mapping[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == ENCODING), None)


def _decompressed_recording(spec: ReplaySpec, files: Mapping[str, bytes]) -> list[RecordedFrame]:
    """Return the frames of a recording, decompressed where that is possible."""
    frames, coding = _recorded_frames(spec, files), _coding(spec.headers)
    return frames if coding is None else _decompressed_frames(frames, coding) or frames


def _recorded_frames(spec: ReplaySpec, files: Mapping[str, bytes]) -> list[RecordedFrame]:
    if spec.file is not None:
        return [RecordedFrame(0.0, files[spec.file])]
    frames, at = [], 0.0
    for frame in spec.frames or ():
        at = at if frame.at is None else frame.at
        frames.append(RecordedFrame(at, frame.bytes))
    return frames


def _decompressed_frames(frames: list[RecordedFrame], coding: str) -> list[RecordedFrame] | None:
    contents = decompressed_frames(coding, [frame.data for frame in frames])
    if contents is None:
        return None
    return [RecordedFrame(frame.at, data) for frame, data in zip(frames, contents, strict=True)]


def _replayed(
    compiled: CompiledResponse,
    spec: ReplaySpec,
    streamed: bool,
    dialect: Dialect,
    *,
    uncompressed: bool,
    accepted: bool,
) -> ReplayedPlan:
    frames, headers = _recorded_frames(spec, compiled.files), dict(spec.headers)
    coding, gzipped = _coding(headers), spec.gzip
    if coding is not None and (uncompressed or not accepted):
        decompressed = _decompressed_frames(frames, coding)
        if decompressed is not None:
            frames, gzipped = decompressed, accepted
            headers = {name: value for name, value in headers.items() if name.lower() != ENCODING}
    head = ResponseHead(spec.status, tuple(headers.items()))
    plan, decoded = _plan(head, frames, streamed, dialect, spec.speed)
    chunk_tokens = [estimate(chunk) for chunk in _chunks(decoded)]
    if not plan.streamed and decoded is not None and decoded.text:
        texts = tuple((0, chunk) for chunk in split(decoded.text))
        plan = Plan(plan.head, plan.steps, plan.framing, plan.delay, chunk_texts=texts)
    return ReplayedPlan(plan, chunk_tokens, 0 if decoded is None else len(decoded.tools_by_call_id), gzipped)


def _chunks(decoded: DecodedResponse | None) -> Sequence[str]:
    if decoded is None:
        return ()
    return decoded.chunks if decoded.chunks is not None else split(decoded.text or "")


def _plan(
    head: ResponseHead, frames: Sequence[RecordedFrame], streamed: bool, dialect: Dialect, speed: float | None
) -> tuple[Plan, DecodedResponse | None]:
    """Return the plan of these frames, and its content as this dialect decodes it."""
    body = b"".join(frame.data for frame in frames)
    kind = next((value for name, value in head.fixed if name.lower() == "content-type"), "")
    framing = framing_of(kind, body, streamed=streamed)

    def count_chunks(event: EventStep) -> int:
        decoded = decode(Plan(head, (event,), framing), dialect)
        return len(decoded.chunks or ()) if decoded is not None else 0

    plan = replayed(head, frames, framing, count_chunks, speed)
    return plan, decode(plan, dialect)


# --- as a neutral reply ------------------------------------------------------------------------------


def _neutral(
    compiled: CompiledResponse, spec: ReplaySpec, dialect: Dialect, own_error: ErrorForm | None
) -> tuple[ReplySpec | ErrorSpec, Sequence[str]]:
    """Return a recording as a reply or error, and notes of what is left out. A response without content counts where
    no protocol finds any. `own_error` is the form of the dialect's own error of the status."""
    frames = _decompressed_recording(spec, compiled.files)
    empty: ReplySpec | None = None
    for plan, decoded in _decodings(spec, frames, _candidates(dialect)):
        if decoded is None:
            continue
        if own_error is not None:
            return _error(spec.status, plan, decoded, own_error), ()
        if _has_content(decoded):
            return _reply(decoded, plan), tuple(_losses(decoded))
        if empty is None and decoded.finish is not None:
            empty = _reply(decoded, plan)
    if own_error is not None:
        return _constructed(ErrorSpec, status=spec.status), ()
    if empty is None:
        raise UnreplayableRecording
    return empty, ()


def _losses(decoded: DecodedResponse) -> Iterator[str]:
    """Yield a note for each kind of content that the reply lacks."""
    if decoded.error is not None:
        yield "the error in the recorded stream left out: the reply ends before it"
    names = ("citations",) * (decoded.citations != () and decoded.text is None) + decoded.left_out
    for name in names:
        yield f"{name} left out: a reply made of a recording has none"


def decodes(spec: ReplaySpec, files: Mapping[str, bytes], dialect: Dialect) -> bool:
    """Return whether a dialect can decode a recording, as a stream or not."""
    decodings = _decodings(spec, _decompressed_recording(spec, files), (dialect,))
    return any(decoded is not None and _has_content(decoded) for _, decoded in decodings)


def _constructed(kind: type[T], **fields: object) -> T:
    """Return an object of the scenario language, whose values need no validation."""
    return kind.model_construct(_fields_set=set(fields), **fields)


def _decodings(
    spec: ReplaySpec, frames: Sequence[RecordedFrame], candidates: Iterable[Dialect]
) -> Iterator[tuple[Plan, DecodedResponse | None]]:
    """Yield the recording as each dialect decodes it, as a body and as a stream."""
    head = ResponseHead(spec.status, tuple(spec.headers.items()))
    for candidate in candidates:
        for streamed in (False, True):
            yield _plan(head, frames, streamed, candidate, spec.speed)


def _candidates(dialect: Dialect) -> Iterator[Dialect]:
    """Yield the request's dialect, then all others."""
    yield dialect
    from mockllm.dialects.providers import GENERATING_CALLS  # loads all dialects

    yield from dict.fromkeys(call.dialect for call in GENERATING_CALLS if call.dialect is not dialect)


def _has_content(decoded: DecodedResponse) -> bool:
    has_text = decoded.text is not None or decoded.thinking or decoded.refusal
    return bool(has_text or decoded.calls or decoded.server_tools or decoded.error is not None)


def _own_error(status: int, context: PlanContext) -> ErrorForm:
    """Return the form of the error that the request's dialect sends with this status."""
    plan = context.dialect.error(Failure.of_status(status), context.request, context.identity)
    decodings = (decode(plan, candidate) for candidate in _candidates(context.dialect))
    errors = (decoded.error for decoded in decodings if decoded is not None)
    error: Mapping[str, object] = next((each for each in errors if isinstance(each, dict)), {})
    return ErrorForm(frozenset(_members(plan)), frozenset(error))


def _error(status: int, plan: Plan, decoded: DecodedResponse, own: ErrorForm) -> ErrorSpec:
    """Return an error of this status, with the recorded message. Where the dialect's own error has the same form, it
    has all recorded members, such as a code."""
    error = decoded.error if isinstance(decoded.error, dict) else {}
    message = error.get("message")
    fields: dict[str, object] = {"message": message} if isinstance(message, str) else {}
    same_envelope = _members(plan) == own.members and own.error <= error.keys()
    if own.error and (same_envelope or own.error == error.keys()):
        fields["fields"] = {name: value for name, value in error.items() if name != "message"}
    return _constructed(ErrorSpec, status=status, **fields)


def _members(plan: Plan) -> set[str]:
    """Return the names of the top-level members of an error."""
    first: Json = next(payloads(plan), None)
    return set(first) if isinstance(first, dict) else set()


def _reply(decoded: DecodedResponse, plan: Plan) -> ReplySpec:
    fields: dict[str, object] = {}
    if decoded.text is not None:
        fields["text"] = decoded.text
        chunks = decoded.chunks
        if chunks and "".join(chunks) == decoded.text:
            fields["chunks"] = list(_script(plan, chunks))
        if decoded.citations:
            fields["citations"] = [_citation(each, decoded.text) for each in decoded.citations]
    if decoded.thinking is not None:
        fields["thinking"] = _constructed(ThinkingSpec, text=decoded.thinking)
    if decoded.refusal is not None:
        fields["refusal"] = decoded.refusal
    if decoded.calls:
        fields["tool_calls"] = [
            _constructed(ToolCallSpec, name=call.name, arguments=call.arguments) for call in decoded.calls
        ]
    if decoded.server_tools:
        fields["server_tools"] = [_server_tool(tool) for tool in decoded.server_tools]
    if decoded.finish is not None:
        known = decoded.finish in get_args(Finish)
        fields["finish_reason"] = decoded.finish if known else _constructed(RawFinishSpec, raw=decoded.finish)
    if decoded.usage is not None:
        fields["usage"] = _usage(decoded.usage)
    return _constructed(ReplySpec, **fields)


def _usage(usage: Usage) -> UsageSpec:
    return _constructed(
        UsageSpec,
        input_tokens=usage.input,
        output_tokens=usage.output,
        cached_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        reasoning_tokens=usage.reasoning,
    )


def _citation(citation: DecodedCitation, text: str) -> CitationSpec:
    words = text[citation.start : citation.end]
    cited = {} if words in ("", text) else {"words": words}
    quoted = {} if citation.quote is None else {"quote": citation.quote}
    return _constructed(CitationSpec, url=citation.url, title=citation.title, **cited, **quoted)


def _server_tool(tool: DecodedServerTool) -> ServerToolSpec:
    """Return a use of a server tool; the pages of a search are mappings of their own."""
    words = dict(tool.words)
    if "sources" in words:
        words["sources"] = [_constructed(WebSourceSpec, **page) for page in words["sources"]]
    return _constructed(ServerToolSpec, **{tool.kind: _constructed(SERVER_TOOL_SPECS[tool.kind], **words)})


def _script(plan: Plan, chunks: Sequence[str]) -> Iterator[str | WaitChunk]:
    """Return the chunks, with the waits before them if each chunk is an event."""
    events = [step for step in plan.steps if type(step) is EventStep and step.kind == "chunk"]
    timed = len(events) == len(chunks)
    waited, left = plan.delay, iter(chunks)
    for step in plan.steps if timed else ():
        if type(step) is WaitStep:
            waited += step.seconds
        elif type(step) is EventStep and step.kind == "chunk":
            if waited:
                yield _constructed(WaitChunk, wait=waited)
            waited = 0.0
            yield next(left)
    yield from left
