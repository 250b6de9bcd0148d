"""From what was settled to a plan: a reply, an error or plain HTTP, in the request's protocol, paced and
broken as the settings say.

Whole answers that are the same each time are kept beside (engine.keeping).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from math import inf
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.budget import DEFAULT_VALUES
from mockllm.core.faults import Fault, NotApplicable, ReplyFault, ReplyFaultContext
from mockllm.core.json.codec import dumps
from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.randomness import Randomness
from mockllm.core.rendering.chunk_order import chunk_texts_of
from mockllm.core.rendering.encoder import ChunkEntry, chunk_schedule
from mockllm.core.rendering.gzip import packed, wants
from mockllm.core.rendering.pacing import gaps, paced, paced_whole
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead, WaitStep
from mockllm.core.reply.reply import Call, Media, Part, Reply, Text
from mockllm.core.request.request import Request
from mockllm.core.templates.template import TemplateScope
from mockllm.core.values.types import Context, evaluate
from mockllm.dialects.dialect import Dialect, GeneratingDialect, ResponseIdentity
from mockllm.dialects.registry import DIALECT_NAMES
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.embedding import embeds
from mockllm.engine.proxying import proxy_plan, unplayed
from mockllm.engine.replay import ReplayPlanner
from mockllm.engine.stream_cache import StreamCache, UnpacedStream, sizes
from mockllm.scenario.catalog import CompiledResponse
from mockllm.scenario.language.error import ErrorSpec
from mockllm.scenario.language.proxy import ProxySpec
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import HttpSpec, ReplySpec
from mockllm.scenario.reply_renderer import SMALLEST, ReplyRenderer, failure
from mockllm.scenario.settings_merge import Owner, ResolvedSettings, chunk_size, resolve_settings

KEPT = 4096
"""How many replies are kept."""


class PlanContext(Struct):
    """One answer in the making: what is said, to whom, and what is noted on the way."""

    request: Request
    dialect: Dialect
    response: CompiledResponse
    settings: EffectiveSettings
    scope: TemplateScope
    randomness: Randomness
    identity: ResponseIdentity
    of_modifier: Callable[[int], Context]
    """What a modifier's settings are evaluated with."""
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    error: str | None = None
    calls: bool = False
    """Whether tools are called."""

    size: ChunkSize = SMALLEST
    """What the reply's texts were cut by."""
    max_wait: float = inf
    told: Headers = ()
    """What the limits on the request stand at, in its provider's headers."""
    held: float = 0.0
    """Seconds for which limits and loads hold the answer back."""
    slowdown: float = 1.0
    """How many times as long a load makes its waits."""

    @property
    def context(self) -> Context:
        return Context(self.scope, self.randomness, max_wait=self.max_wait)

    @property
    def streamed(self) -> bool:
        """Whether a reply is said as a stream."""
        return streamed(self.request, self.settings)

    def of(self, owner: Owner) -> Context:
        """What a setting of this owner is evaluated with."""
        return self.context if owner < 0 else self.of_modifier(owner)


def streamed(request: Request, way: EffectiveSettings) -> bool:
    """Whether a reply is said as a stream."""
    return request.stream if way.sending.stream is None else way.sending.stream


class ResponsePlanner:
    """Makes plans, and keeps what can be used again."""

    def __init__(self, max_generated: int = DEFAULT_VALUES) -> None:
        """`max_generated`: how many values `from_schema` generates for one schema."""
        self._max_generated = max_generated
        self._replies: BoundedCache[tuple[Reply, tuple[str, ...]]] = BoundedCache(KEPT)
        self._scores = StreamCache()
        self._recordings = ReplayPlanner()

    def plan(self, speaking: PlanContext) -> Plan:
        """Raises TemplateFailure where the request lacks what the answer needs."""
        word = speaking.response.spec
        if isinstance(word, ReplaySpec):
            if word.as_ == "bytes":
                return self._replayed(speaking, word)
            speaking.response = self._recordings.decoded_reply(speaking.response, speaking.dialect)
            word = speaking.response.spec
        if isinstance(word, ReplySpec):
            if not speaking.request.generates:
                return self._embedded(speaking, word)
            return self._reply(speaking, speaking.dialect)  # type: ignore[arg-type]
        sent = self._settled(speaking)
        if isinstance(word, ProxySpec):
            speaking.notes += unplayed(sent.faults)
            return proxy_plan(word, sent.delay, speaking.dialect, speaking.request, speaking.identity)
        if isinstance(word, ErrorSpec):
            plan = self._error(speaking, word)
        else:
            assert isinstance(word, HttpSpec)
            plan = _http(evaluate(word, speaking.context), speaking.response)
        return _broken(speaking, _sent(plan, sent, speaking), sent.faults)

    def _embedded(self, speaking: PlanContext, word: ReplySpec) -> Plan:
        plan = embeds(word, speaking.dialect, speaking.request.api)
        sent = self._settled(speaking)
        made = plan(evaluate(word, speaking.context), speaking.request, speaking.identity)
        return _broken(speaking, _sent(made, sent, speaking), sent.faults)

    def decorate(self, plan: Plan, speaking: PlanContext) -> Plan:
        """A plan that no rule made, with the settings of the modifiers that apply."""
        sent = self._settled(speaking)
        return _broken(speaking, _sent(plan, sent, speaking), sent.faults)

    def _settled(self, speaking: PlanContext) -> ResolvedSettings:
        sent = speaking.settings.sent
        if sent is None:
            sent = resolve_settings(speaking.settings.sending, speaking.of)
        return sent if speaking.slowdown == 1.0 else sent.slower(speaking.slowdown)

    def _error(self, speaking: PlanContext, word: ErrorSpec) -> Plan:
        context = Context(speaking.scope, speaking.randomness)  # retry_after is no wait of the server's
        found = failure(evaluate(word, context)).for_dialect(speaking.dialect.name, DIALECT_NAMES)
        speaking.error = found.type
        return speaking.dialect.error(found, speaking.request, speaking.identity)

    def _replayed(self, speaking: PlanContext, word: ReplaySpec) -> Plan:
        """A recording as it was; `pace` acts on it where it has no times of its own."""
        sent, request = self._settled(speaking), speaking.request
        taken = self._recordings.replay(speaking.response, request, speaking.dialect, plain=bool(sent.faults))
        plan, speaking.calls = taken.plan, taken.calls
        if word.speed is None and not sent.instant:
            waits = gaps(sent.pace, taken.sizes, speaking.randomness.random("pace"))
            slow = sent.pace.slowdown
            plan = paced(plan, waits, slow) if plan.streamed else paced_whole(plan, sum(waits))
            plan = _capped(plan, sent.longest)
        plan = _broken(speaking, _sent(plan, sent, speaking), sent.faults)
        return packed(plan) if taken.packs and wants(request.headers) else plan

    # --- replies -------------------------------------------------------------------------------

    def _reply(self, speaking: PlanContext, dialect: GeneratingDialect) -> Plan:
        request = speaking.request
        sent = self._settled(speaking)
        if not sent.faults:
            reply = self._own_error(
                dialect.supported_reply(self._whole(speaking, dialect), request), speaking
            )
            return self._said(speaking, dialect, reply, sent, same=speaking.response.static)
        told = [(number, fault) for number, fault in enumerate(sent.faults) if isinstance(fault, ReplyFault)]

        def plan(reply: Reply) -> Plan:
            reply = dialect.supported_reply(
                reply, request
            )  # a fault may add what the protocol cannot express
            same = speaking.response.static and not told
            made = self._said(speaking, dialect, self._own_error(reply, speaking), sent, same=same)
            whole = not speaking.streamed and reply.broken is None
            return replace(made, chunk_texts=chunk_texts_of(reply)) if whole else made

        reply = _changed(
            self._whole(speaking, dialect), [each for each in told if not each[1].shown], speaking, plan
        )
        reply = dialect.supported_reply(reply, request)
        reply = _changed(reply, [each for each in told if each[1].shown], speaking, plan)
        rest = [fault for fault in sent.faults if not isinstance(fault, ReplyFault)]
        return _broken(speaking, plan(reply), rest)

    def _said(
        self,
        speaking: PlanContext,
        dialect: GeneratingDialect,
        reply: Reply,
        sent: ResolvedSettings,
        *,
        same: bool,
    ) -> Plan:
        """A sayable reply's plan, paced and with the settings' headers and delay. `same`: whether it is the same
        reply each time."""
        request = speaking.request
        if speaking.streamed:
            plan = self._paced(speaking, self._stream(speaking, dialect, reply, same=same), reply, sent)
        else:
            if reply.broken is None:
                plan = dialect.encode_body(reply, request, speaking.identity)
            else:
                plan = dialect.error(reply.broken, request, speaking.identity)
            if sent.pace.whole == "as_streamed":
                plan = self._as_streamed(speaking, plan, reply, sent)
        return _sent(plan, sent, speaking)

    def _own_error(self, reply: Reply, speaking: PlanContext) -> Reply:
        """The reply, its failure in this dialect's fields."""
        if reply.broken is None:
            return reply
        speaking.error = reply.broken.type
        return replace(reply, broken=reply.broken.for_dialect(speaking.dialect.name, DIALECT_NAMES))

    def _whole(self, speaking: PlanContext, dialect: GeneratingDialect) -> Reply:
        """The reply; notes what of it the protocol has no form for."""
        reply = self._cooked(speaking)
        speaking.calls = any(type(part) is Call for choice in reply.choices for part in choice.parts)
        unsupported = dialect.capabilities.unsupported_parts
        if unsupported:
            kinds = {kind for choice in reply.choices for part in choice.parts for kind in _kinds(part)}
            for kind in sorted(unsupported & kinds):
                speaking.notes.append(
                    f"{kind} left out: {dialect.api} of {speaking.request.provider} has none"
                )
        return reply

    def _cooked(self, speaking: PlanContext) -> Reply:
        """The reply; a static one is made once for each way to ask for it."""
        saying, request = speaking.response, speaking.request
        size = speaking.size = chunk_size(speaking.settings.sending, speaking.of, SMALLEST)
        if not saying.static:
            word = evaluate(saying.spec, speaking.context)
            facts = (request, speaking.randomness, size, saying.files.__getitem__, speaking.streamed)
            kitchen = ReplyRenderer(*facts, max_generated=self._max_generated)
            reply = kitchen.reply(word)  # type: ignore[arg-type]
            speaking.notes += kitchen.notes
            return reply
        sampling = request.sampling
        key = (saying, size, sampling, speaking.streamed)
        kept = self._replies.get(key)
        if kept is None:
            kitchen = ReplyRenderer(
                request, speaking.randomness, size, saying.files.__getitem__, speaking.streamed
            )
            kept = (kitchen.reply(saying.spec), tuple(kitchen.notes))  # type: ignore[arg-type]
            self._replies.put(key, kept)
        reply, notes = kept
        speaking.notes += notes
        return reply if saying.fixed_input else _counted(reply, request.input_tokens)

    def _stream(
        self, speaking: PlanContext, dialect: GeneratingDialect, reply: Reply, *, same: bool
    ) -> UnpacedStream:
        """What a reply is as a stream, without times."""
        saying, request, stamp = speaking.response, speaking.request, speaking.identity

        def render(stamp: ResponseIdentity, request: Request) -> UnpacedStream:
            said = reply if saying.fixed_input else _counted(reply, request.input_tokens)
            return UnpacedStream(dialect.encode_stream(said, request, stamp), chunk_schedule(said)[0])

        if not same:
            return UnpacedStream(dialect.encode_stream(reply, request, stamp), chunk_schedule(reply)[0])
        asked: tuple[Hashable, ...] = (request.model, request.sampling, dialect.variant(request))
        if saying.request_independent:
            asked = (request.query_string,)
        key = (saying, speaking.size, dialect, *asked)  # type: ignore[arg-type] # a protocol is hashable, too
        return self._scores.stream(key, stamp, request, render)

    def _paced(
        self, speaking: PlanContext, stream: UnpacedStream, reply: Reply, sent: ResolvedSettings
    ) -> Plan:
        if sent.instant:
            return stream.plan
        waits = gaps(
            sent.pace,
            _sizes(stream.chunk_indexes, sent, stream.sizes),
            speaking.randomness.random("pace"),
            reply.usage,
        )
        plan = paced(stream.plan, waits, sent.pace.slowdown)
        return plan if sent.longest == inf else _capped(plan, sent.longest)

    def _as_streamed(self, speaking: PlanContext, plan: Plan, reply: Reply, sent: ResolvedSettings) -> Plan:
        said, after = chunk_schedule(reply)
        if sent.instant:
            total = sum(each.pause or 0.0 for each in said) + after
        else:
            sizes = _sizes(said, sent)
            waits = gaps(sent.pace, sizes, speaking.randomness.random("pace"), reply.usage)
            slow = sent.pace.slowdown
            waits = [
                wait if each.pause is None else each.pause * slow
                for each, wait in zip(said, waits, strict=True)
            ]
            total = sum(min(wait, sent.longest) for wait in (*waits, after * slow))
        return paced_whole(plan, total)


def _kinds(part: Part) -> tuple[str, ...]:
    """What of a part not every protocol can say."""
    if type(part) is Media:
        return ("images",)
    return ("citations",) if type(part) is Text and part.citations else ()


# --- faults ------------------------------------------------------------------------------------


def _changed(
    reply: Reply,
    faults: Sequence[tuple[int, ReplyFault]],
    speaking: PlanContext,
    plan: Callable[[Reply], Plan],
) -> Reply:
    """The reply with these faults in it; each is given with its number among all."""
    for number, fault in faults:
        dice = speaking.randomness.random(f"fault {number}")
        changed = fault.apply_in_context(
            reply, ReplyFaultContext(speaking.request, speaking.streamed, dice, plan)
        )
        if not _noted(speaking, fault, changed):
            assert isinstance(changed, Reply)
            reply = changed
    return reply


def _broken(speaking: PlanContext, plan: Plan, faults: Sequence[Fault]) -> Plan:
    carried: set[str] = set()  # how an answer is carried stays where something else is sent in its place
    for fault in faults:
        played = fault.apply(plan)
        if isinstance(played, Plan) and fault.instead:
            gone = [name for name in speaking.faults if name not in carried or played.delivery.withheld]
            speaking.faults = [name for name in speaking.faults if name not in gone]
            speaking.notes += [f"{name} not played: {fault.name} stands in its place" for name in gone]
        if not _noted(speaking, fault, played):
            assert isinstance(played, Plan)
            if replace(plan, delivery=played.delivery) == played:
                carried.add(fault.name)
            plan = played
    return plan


def _noted(speaking: PlanContext, fault: Fault, played: object) -> bool:
    """Notes what came of a fault; whether it was not played."""
    if isinstance(played, NotApplicable):
        speaking.notes.append(f"{fault.name} not played: {played.reason}")
        return True
    speaking.faults.append(fault.name)
    return False


def _sent(plan: Plan, sent: ResolvedSettings, speaking: PlanContext) -> Plan:
    """The plan with what limits tell, the settings' headers, and all that holds it back."""
    if speaking.told:
        plan = replace(plan, head=plan.head.with_unique_headers(speaking.told))
    if sent.headers:
        plan = replace(plan, head=plan.head.with_headers(sent.headers))
    delay = sent.delay + speaking.held
    return replace(plan, delay=plan.delay + delay) if delay else plan


def _capped(plan: Plan, longest: float) -> Plan:
    """The plan with no wait longer than that."""
    steps = tuple(
        replace(step, seconds=min(step.seconds, longest)) if isinstance(step, WaitStep) else step
        for step in plan.steps
    )
    return replace(plan, steps=steps)


def _sizes(
    said: Sequence[ChunkEntry], sent: ResolvedSettings, known: Sequence[float] | None = None
) -> Sequence[float]:
    """The tokens of each beat, where pace goes by them."""
    if not sent.pace.tokens_per_second:
        return [1] * len(said)
    return sizes(said) if known is None else known


def _counted(reply: Reply, input_tokens: int) -> Reply:
    usage = reply.usage
    if usage.input == input_tokens:
        return reply
    return reply.with_usage(replace(usage, input=input_tokens))


def _http(word: HttpSpec, saying: CompiledResponse) -> Plan:
    headers: list[tuple[str, str]] = [(name, str(value)) for name, value in word.headers.items()]
    body: Any = word.body
    if word.body_file is not None:
        payload, kind = saying.files[word.body_file], "application/octet-stream"
    elif isinstance(body, str):
        payload, kind = body.encode(), "text/plain; charset=utf-8"
    elif body is None:
        payload, kind = b"", None
    else:
        payload, kind = dumps(body), "application/json"
    if kind is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", kind))
    assert isinstance(word.status, int)
    return Plan(ResponseHead(word.status, tuple(headers)), (EventStep(payload, 0, "body"),))
