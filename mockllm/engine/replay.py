"""What recordings come to: plans of their own bytes, or what they say, in neutral words.

Apart from plans, because a recording is taken apart once and then kept: which of its events say something, and
what, is asked of the dialect that it was recorded in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from mockllm.core.rendering.gzip import ENCODING, unpacked, wants
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead, WaitStep
from mockllm.core.rendering.recorded_plan import RecordedFrame, framing_of, replayed
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate, split
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.registry import GENERATING_CALLS
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.scenario.catalog import CompiledResponse
from mockllm.scenario.language.chunks import WaitChunk
from mockllm.scenario.language.error import ErrorSpec
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import ReplySpec, ThinkingSpec, ToolCallSpec, UsageSpec

KEPT: Final = 1024
"""Of so many recordings it is kept what they come to."""


class UndecodableRecording(Exception):
    """A recording is to be said anew, and no protocol knows what it says."""

    def __init__(self) -> None:
        super().__init__(
            "what was recorded is no answer of a model, as far as any protocol knows; leave out `as`"
        )


class ReplayedPlan(NamedTuple):
    """A recording's plan. `sizes` are the tokens of its chunks; `calls`: whether it calls tools; `packs`:
    whether it is to be packed for clients that ask for it."""

    plan: Plan
    sizes: Sequence[float]
    calls: bool
    packs: bool


class ReplayPlanner:
    """What was found out of the recordings that were asked for."""

    def __init__(self) -> None:
        self._taken: BoundedCache[tuple[CompiledResponse, ReplayedPlan]] = BoundedCache(KEPT)
        self._sayings: BoundedCache[tuple[CompiledResponse, CompiledResponse]] = BoundedCache(KEPT)

    def replay(
        self, saying: CompiledResponse, request: Request, dialect: Dialect, *, plain: bool
    ) -> ReplayedPlan:
        """A recording for this request; `plain`: it must be taken apart, so it may not be packed yet."""
        word = saying.spec
        assert isinstance(word, ReplaySpec)
        wanted = wants(request.headers, _coding(word.headers) or "gzip")
        key = (id(saying), dialect.name, dialect.api, request.stream, wanted, plain)
        kept = self._taken.get(key)
        if kept is None:
            kept = (saying, _taken(saying, word, request.stream, dialect, plain=plain, wanted=wanted))
            self._taken.put(key, kept)
        return kept[1]

    def decoded_reply(self, saying: CompiledResponse, dialect: Dialect) -> CompiledResponse:
        """What a recording says, in neutral words. Raises Unheard."""
        key = (id(saying), dialect.name, dialect.api)
        kept = self._sayings.get(key)
        if kept is None:
            word = saying.spec
            assert isinstance(word, ReplaySpec)
            said = _in_words(saying, word, dialect)
            fixed = isinstance(said, ReplySpec) and said.usage is not None
            kept = (saying, CompiledResponse(said, saying.settings, True, saying.files, fixed))
            self._sayings.put(key, kept)
        return kept[1]


def _coding(headers: Mapping[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == ENCODING), None)


def _frames(saying: CompiledResponse, word: ReplaySpec) -> list[RecordedFrame]:
    if word.file is not None:
        return [RecordedFrame(0.0, saying.files[word.file])]
    frames, at = [], 0.0
    for each in word.frames or ():
        at = at if each.at is None else each.at
        frames.append(RecordedFrame(at, each.bytes))
    return frames


def _plain_frames(frames: list[RecordedFrame], coding: str) -> list[RecordedFrame] | None:
    said = unpacked(coding, [frame.data for frame in frames])
    if said is None:
        return None
    return [RecordedFrame(frame.at, data) for frame, data in zip(frames, said, strict=True)]


def _taken(
    saying: CompiledResponse, word: ReplaySpec, streamed: bool, dialect: Dialect, *, plain: bool, wanted: bool
) -> ReplayedPlan:
    frames, headers = _frames(saying, word), dict(word.headers)
    coding, packs = _coding(headers), word.gzip
    if coding is not None and (plain or not wanted):
        open_frames = _plain_frames(frames, coding)
        if open_frames is not None:
            frames, packs = open_frames, wanted
            headers = {name: value for name, value in headers.items() if name.lower() != ENCODING}
    head = ResponseHead(word.status, tuple(headers.items()))
    plan, heard = _plan(head, frames, streamed, dialect, word.speed)
    sizes = [estimate(chunk) for chunk in _chunks(heard)]
    if not plan.streamed and heard is not None and heard.text:
        plan = Plan(
            plan.head, plan.steps, plan.framing, plan.delay,
            chunk_texts=tuple((0, piece) for piece in split(heard.text)),
        )  # fmt: skip
    return ReplayedPlan(plan, sizes, bool(heard and heard.issued), packs)


def _chunks(heard: DecodedResponse | None) -> Sequence[str]:
    if heard is None:
        return ()
    return heard.chunks if heard.chunks is not None else split(heard.text or "")


def _plan(
    head: ResponseHead, frames: Sequence[RecordedFrame], streamed: bool, dialect: Dialect, speed: float | None
) -> tuple[Plan, DecodedResponse | None]:
    """The plan of these frames, and what it says in this dialect."""
    body = b"".join(frame.data for frame in frames)
    kind = next((value for name, value in head.fixed if name.lower() == "content-type"), "")
    framing = framing_of(kind, body, streamed=streamed)

    def said(event: EventStep) -> int:
        heard = _heard(Plan(head, (event,), framing), dialect)
        return len(heard.chunks or ()) if heard is not None else 0

    plan = replayed(head, frames, framing, said, speed)
    return plan, _heard(plan, dialect)


def _heard(plan: Plan, dialect: Dialect) -> DecodedResponse | None:
    hear = getattr(dialect, "decode", None)
    return None if hear is None else hear(plan)


# --- in neutral words --------------------------------------------------------------------------------


def _in_words(saying: CompiledResponse, word: ReplaySpec, dialect: Dialect) -> ReplySpec | ErrorSpec:
    frames = _frames(saying, word)
    coding = _coding(word.headers)
    if coding is not None:
        frames = _plain_frames(frames, coding) or frames
    for plan, heard in _hearings(word, frames, dialect):
        if heard is not None and word.status >= 400:
            return _error(word.status, heard)
        if heard is not None and _says_something(heard):
            return _reply(heard, plan)
    if word.status >= 400:
        return ErrorSpec.model_construct(_fields_set={"status"}, status=word.status)
    raise UndecodableRecording


def _hearings(
    word: ReplaySpec, frames: Sequence[RecordedFrame], dialect: Dialect
) -> Iterator[tuple[Plan, DecodedResponse | None]]:
    """The recording as each protocol would hear it: first that of the request, then the others."""
    head = ResponseHead(word.status, tuple(word.headers.items()))
    for each in dict.fromkeys([dialect, *(call.dialect for call in GENERATING_CALLS)]):
        for streamed in (False, True):
            yield _plan(head, frames, streamed, each, word.speed)


def _says_something(heard: DecodedResponse) -> bool:
    return bool(
        heard.text is not None or heard.thinking or heard.refusal or heard.calls or heard.error is not None
    )


def _error(status: int, heard: DecodedResponse) -> ErrorSpec:
    message = heard.error.get("message") if isinstance(heard.error, dict) else None
    given: dict[str, Any] = {"status": status, **({"message": message} if isinstance(message, str) else {})}
    return ErrorSpec.model_construct(_fields_set=set(given), **given)


def _reply(heard: DecodedResponse, plan: Plan) -> ReplySpec:
    given: dict[str, Any] = {}
    if heard.text is not None:
        given["text"] = heard.text
        chunks = heard.chunks
        if chunks and "".join(chunks) == heard.text:
            given["chunks"] = list(_script(plan, chunks))
    if heard.thinking is not None:
        given["thinking"] = ThinkingSpec.model_construct(_fields_set={"text"}, text=heard.thinking)
    if heard.refusal is not None:
        given["refusal"] = heard.refusal
    if heard.calls:
        given["tool_calls"] = [
            ToolCallSpec.model_construct(
                _fields_set={"name", "arguments"}, name=call.name, arguments=call.arguments
            )
            for call in heard.calls
        ]
    if heard.finish is not None:
        given["finish_reason"] = heard.finish
    if heard.usage is not None:
        given["usage"] = _usage(heard)
    return ReplySpec.model_construct(_fields_set=set(given), **given)


def _usage(heard: DecodedResponse) -> UsageSpec:
    usage = heard.usage
    assert usage is not None
    told = {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cached_tokens": usage.cached_read,
        "cache_write_tokens": usage.cache_write,
        "reasoning_tokens": usage.reasoning,
    }
    return UsageSpec.model_construct(_fields_set=set(told), **told)


def _script(plan: Plan, chunks: Sequence[str]) -> Iterator[str | WaitChunk]:
    """The chunks, with the waits that stood before them where each came in an event of its own."""
    said = [step for step in plan.steps if type(step) is EventStep and step.kind == "say"]
    timed = len(said) == len(chunks)
    waited, left = plan.delay, iter(chunks)
    for step in plan.steps if timed else ():
        if type(step) is WaitStep:
            waited += step.seconds
        elif type(step) is EventStep and step.kind == "say":
            if waited:
                yield WaitChunk.model_construct(_fields_set={"wait"}, wait=waited)
            waited = 0.0
            yield next(left)
    yield from left
