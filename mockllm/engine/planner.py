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
from mockllm.core.faults import Fault, NotPlayed, ReplyFault, Telling
from mockllm.core.json.codec import dumps
from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.randomness import Chance
from mockllm.core.rendering.chunk_order import spoken_beats
from mockllm.core.rendering.encoder import Said, beats
from mockllm.core.rendering.gzip import packed, wants
from mockllm.core.rendering.pacing import gaps, paced, paced_whole
from mockllm.core.rendering.plan import Data, Head, Headers, Plan, Wait
from mockllm.core.reply.reply import Call, Media, Part, Reply, Text
from mockllm.core.request.request import Request
from mockllm.core.templates.template import Scope
from mockllm.core.values.types import Context, evaluate
from mockllm.dialects.dialect import Dialect, Generating, Stamp
from mockllm.dialects.registry import DIALECT_NAMES
from mockllm.engine.bounded_cache import Bounded
from mockllm.engine.effective_settings import Way
from mockllm.engine.embedding import embeds
from mockllm.engine.proxying import passed_on, unplayed
from mockllm.engine.replay import Recordings
from mockllm.engine.stream_cache import Scores, Stream, sizes
from mockllm.scenario.catalog import Saying
from mockllm.scenario.language.error import ErrorWord
from mockllm.scenario.language.proxy import ProxyWord
from mockllm.scenario.language.replay import ReplayWord
from mockllm.scenario.language.reply import HttpWord, ReplyWord
from mockllm.scenario.reply_renderer import SMALLEST, Kitchen, failure
from mockllm.scenario.settings_merge import Owner, Sent, chunk_size, settle

KEPT = 4096
"""How many replies are kept."""


class Speaking(Struct):
    """One answer in the making: what is said, to whom, and what is noted on the way."""

    request: Request
    dialect: Dialect
    saying: Saying
    way: Way
    scope: Scope
    chance: Chance
    stamp: Stamp
    of_modifier: Callable[[int], Context]
    """What a modifier's settings are evaluated with."""
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    error: str | None = None
    calls: bool = False
    """Whether tools are called."""

    size: ChunkSize = SMALLEST
    """What the reply's texts were cut by."""
    longest: float = inf
    told: Headers = ()
    """What the limits on the request stand at, in its provider's headers."""
    held: float = 0.0
    """Seconds for which limits and loads hold the answer back."""
    slowdown: float = 1.0
    """How many times as long a load makes its waits."""

    @property
    def context(self) -> Context:
        return Context(self.scope, self.chance, longest=self.longest)

    @property
    def streamed(self) -> bool:
        """Whether a reply is said as a stream."""
        return streamed(self.request, self.way)

    def of(self, owner: Owner) -> Context:
        """What a setting of this owner is evaluated with."""
        return self.context if owner < 0 else self.of_modifier(owner)


def streamed(request: Request, way: Way) -> bool:
    """Whether a reply is said as a stream."""
    return request.stream if way.sending.stream is None else way.sending.stream


class Planner:
    """Makes plans, and keeps what can be used again."""

    def __init__(self, max_generated: int = DEFAULT_VALUES) -> None:
        """`max_generated`: how many values `from_schema` generates for one schema."""
        self._max_generated = max_generated
        self._replies: Bounded[tuple[Reply, tuple[str, ...]]] = Bounded(KEPT)
        self._scores = Scores()
        self._recordings = Recordings()

    def plan(self, speaking: Speaking) -> Plan:
        """Raises TemplateFailure where the request lacks what the answer needs."""
        word = speaking.saying.word
        if isinstance(word, ReplayWord):
            if word.as_ == "bytes":
                return self._replayed(speaking, word)
            speaking.saying = self._recordings.saying(speaking.saying, speaking.dialect)
            word = speaking.saying.word
        if isinstance(word, ReplyWord):
            if not speaking.request.generates:
                return self._embedded(speaking, word)
            return self._reply(speaking, speaking.dialect)  # type: ignore[arg-type]
        sent = self._settled(speaking)
        if isinstance(word, ProxyWord):
            speaking.notes += unplayed(sent.faults)
            return passed_on(word, sent.delay, speaking.dialect, speaking.request, speaking.stamp)
        if isinstance(word, ErrorWord):
            plan = self._error(speaking, word)
        else:
            assert isinstance(word, HttpWord)
            plan = _http(evaluate(word, speaking.context), speaking.saying)
        return _broken(speaking, _sent(plan, sent, speaking), sent.faults)

    def _embedded(self, speaking: Speaking, word: ReplyWord) -> Plan:
        plan = embeds(word, speaking.dialect, speaking.request.api)
        sent = self._settled(speaking)
        made = plan(evaluate(word, speaking.context), speaking.request, speaking.stamp)
        return _broken(speaking, _sent(made, sent, speaking), sent.faults)

    def decorate(self, plan: Plan, speaking: Speaking) -> Plan:
        """A plan that no rule made, with the settings of the modifiers that apply."""
        sent = self._settled(speaking)
        return _broken(speaking, _sent(plan, sent, speaking), sent.faults)

    def _settled(self, speaking: Speaking) -> Sent:
        sent = speaking.way.sent
        if sent is None:
            sent = settle(speaking.way.sending, speaking.of)
        return sent if speaking.slowdown == 1.0 else sent.slower(speaking.slowdown)

    def _error(self, speaking: Speaking, word: ErrorWord) -> Plan:
        context = Context(speaking.scope, speaking.chance)  # retry_after is no wait of the server's
        found = failure(evaluate(word, context)).for_dialect(speaking.dialect.name, DIALECT_NAMES)
        speaking.error = found.type
        return speaking.dialect.error(found, speaking.request, speaking.stamp)

    def _replayed(self, speaking: Speaking, word: ReplayWord) -> Plan:
        """A recording as it was; `pace` acts on it where it has no times of its own."""
        sent, request = self._settled(speaking), speaking.request
        taken = self._recordings.taken(speaking.saying, request, speaking.dialect, plain=bool(sent.faults))
        plan, speaking.calls = taken.plan, taken.calls
        if word.speed is None and not sent.instant:
            waits = gaps(sent.pace, taken.sizes, speaking.chance.random("pace"))
            slow = sent.pace.slowdown
            plan = paced(plan, waits, slow) if plan.streamed else paced_whole(plan, sum(waits))
            plan = _capped(plan, sent.longest)
        plan = _broken(speaking, _sent(plan, sent, speaking), sent.faults)
        return packed(plan) if taken.packs and wants(request.headers) else plan

    # --- replies -------------------------------------------------------------------------------

    def _reply(self, speaking: Speaking, dialect: Generating) -> Plan:
        request = speaking.request
        sent = self._settled(speaking)
        if not sent.faults:
            reply = self._own_error(dialect.sayable(self._whole(speaking, dialect), request), speaking)
            return self._said(speaking, dialect, reply, sent, same=speaking.saying.static)
        told = [(number, fault) for number, fault in enumerate(sent.faults) if isinstance(fault, ReplyFault)]

        def plan(reply: Reply) -> Plan:
            same = speaking.saying.static and not told
            made = self._said(speaking, dialect, self._own_error(reply, speaking), sent, same=same)
            whole = not speaking.streamed and reply.broken is None
            return replace(made, spoken=spoken_beats(reply)) if whole else made

        reply = _changed(
            self._whole(speaking, dialect), [each for each in told if not each[1].shown], speaking, plan
        )
        reply = dialect.sayable(reply, request)
        reply = _changed(reply, [each for each in told if each[1].shown], speaking, plan)
        rest = [fault for fault in sent.faults if not isinstance(fault, ReplyFault)]
        return _broken(speaking, plan(reply), rest)

    def _said(self, speaking: Speaking, dialect: Generating, reply: Reply, sent: Sent, *, same: bool) -> Plan:
        """A sayable reply's plan, paced and with the settings' headers and delay. `same`: whether it is the same
        reply each time."""
        request = speaking.request
        if speaking.streamed:
            plan = self._paced(speaking, self._stream(speaking, dialect, reply, same=same), reply, sent)
        else:
            if reply.broken is None:
                plan = dialect.whole(reply, request, speaking.stamp)
            else:
                plan = dialect.error(reply.broken, request, speaking.stamp)
            if sent.pace.whole == "as_streamed":
                plan = self._as_streamed(speaking, plan, reply, sent)
        return _sent(plan, sent, speaking)

    def _own_error(self, reply: Reply, speaking: Speaking) -> Reply:
        """The reply, its failure in this dialect's fields."""
        if reply.broken is None:
            return reply
        speaking.error = reply.broken.type
        return replace(reply, broken=reply.broken.for_dialect(speaking.dialect.name, DIALECT_NAMES))

    def _whole(self, speaking: Speaking, dialect: Generating) -> Reply:
        """The reply; notes what of it the protocol has no form for."""
        reply = self._cooked(speaking)
        speaking.calls = any(type(part) is Call for choice in reply.choices for part in choice.parts)
        if dialect.unsaid:
            kinds = {kind for choice in reply.choices for part in choice.parts for kind in _kinds(part)}
            for kind in sorted(dialect.unsaid & kinds):
                speaking.notes.append(
                    f"{kind} left out: {dialect.api} of {speaking.request.provider} has none"
                )
        return reply

    def _cooked(self, speaking: Speaking) -> Reply:
        """The reply; a static one is made once for each way to ask for it."""
        saying, request = speaking.saying, speaking.request
        size = speaking.size = chunk_size(speaking.way.sending, speaking.of, SMALLEST)
        if not saying.static:
            word = evaluate(saying.word, speaking.context)
            facts = (request, speaking.chance, size, saying.files.__getitem__, speaking.streamed)
            kitchen = Kitchen(*facts, max_generated=self._max_generated)
            reply = kitchen.reply(word)  # type: ignore[arg-type]
            speaking.notes += kitchen.notes
            return reply
        sampling = request.sampling
        key = (saying, size, sampling, speaking.streamed)
        kept = self._replies.get(key)
        if kept is None:
            kitchen = Kitchen(request, speaking.chance, size, saying.files.__getitem__, speaking.streamed)
            kept = (kitchen.reply(saying.word), tuple(kitchen.notes))  # type: ignore[arg-type]
            self._replies.put(key, kept)
        reply, notes = kept
        speaking.notes += notes
        return reply if saying.fixed_input else _counted(reply, request.input_tokens)

    def _stream(self, speaking: Speaking, dialect: Generating, reply: Reply, *, same: bool) -> Stream:
        """What a reply is as a stream, without times."""
        saying, request, stamp = speaking.saying, speaking.request, speaking.stamp

        def render(stamp: Stamp, request: Request) -> Stream:
            said = reply if saying.fixed_input else _counted(reply, request.input_tokens)
            return Stream(dialect.stream(said, request, stamp), beats(said)[0])

        if not same:
            return Stream(dialect.stream(reply, request, stamp), beats(reply)[0])
        asked: tuple[Hashable, ...] = (request.model, request.sampling, dialect.variant(request))
        if saying.blind:
            asked = (request.query_string,)
        key = (saying, speaking.size, dialect, *asked)  # type: ignore[arg-type] # a protocol is hashable, too
        return self._scores.stream(key, stamp, request, render)

    def _paced(self, speaking: Speaking, stream: Stream, reply: Reply, sent: Sent) -> Plan:
        if sent.instant:
            return stream.plan
        waits = gaps(
            sent.pace, _sizes(stream.beats, sent, stream.sizes), speaking.chance.random("pace"), reply.usage
        )
        plan = paced(stream.plan, waits, sent.pace.slowdown)
        return plan if sent.longest == inf else _capped(plan, sent.longest)

    def _as_streamed(self, speaking: Speaking, plan: Plan, reply: Reply, sent: Sent) -> Plan:
        said, after = beats(reply)
        if sent.instant:
            total = sum(each.pause or 0.0 for each in said) + after
        else:
            sizes = _sizes(said, sent)
            waits = gaps(sent.pace, sizes, speaking.chance.random("pace"), reply.usage)
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
    speaking: Speaking,
    plan: Callable[[Reply], Plan],
) -> Reply:
    """The reply with these faults in it; each is given with its number among all."""
    for number, fault in faults:
        dice = speaking.chance.random(f"fault {number}")
        changed = fault.tell(reply, Telling(speaking.request, speaking.streamed, dice, plan))
        if not _noted(speaking, fault, changed):
            assert isinstance(changed, Reply)
            reply = changed
    return reply


def _broken(speaking: Speaking, plan: Plan, faults: Sequence[Fault]) -> Plan:
    carried: set[str] = set()  # how an answer is carried stays where something else is sent in its place
    for fault in faults:
        played = fault.play(plan)
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


def _noted(speaking: Speaking, fault: Fault, played: object) -> bool:
    """Notes what came of a fault; whether it was not played."""
    if isinstance(played, NotPlayed):
        speaking.notes.append(f"{fault.name} not played: {played.reason}")
        return True
    speaking.faults.append(fault.name)
    return False


def _sent(plan: Plan, sent: Sent, speaking: Speaking) -> Plan:
    """The plan with what limits tell, the settings' headers, and all that holds it back."""
    if speaking.told:
        plan = replace(plan, head=plan.head.with_own(speaking.told))
    if sent.headers:
        plan = replace(plan, head=plan.head.with_headers(sent.headers))
    delay = sent.delay + speaking.held
    return replace(plan, delay=plan.delay + delay) if delay else plan


def _capped(plan: Plan, longest: float) -> Plan:
    """The plan with no wait longer than that."""
    steps = tuple(
        replace(step, seconds=min(step.seconds, longest)) if isinstance(step, Wait) else step
        for step in plan.steps
    )
    return replace(plan, steps=steps)


def _sizes(said: Sequence[Said], sent: Sent, known: Sequence[float] | None = None) -> Sequence[float]:
    """The tokens of each beat, where pace goes by them."""
    if not sent.pace.tokens_per_second:
        return [1] * len(said)
    return sizes(said) if known is None else known


def _counted(reply: Reply, input_tokens: int) -> Reply:
    usage = reply.usage
    if usage.input == input_tokens:
        return reply
    return reply.with_usage(replace(usage, input=input_tokens))


def _http(word: HttpWord, saying: Saying) -> Plan:
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
    return Plan(Head(word.status, tuple(headers)), (Data(payload, 0, "body"),))
