"""Warnings about a whole catalog: what no rule shows by itself, is certain, and hardly meant.

Apart from typing, which reads each rule on its own and finds what is wrong with it. Warnings have the form of
mistakes, and with `--strict` they are.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from mockllm.core.faults.base import Fault
from mockllm.core.matching.matchers import Field, Matcher, slow_regexes
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.compiler import finished, sees
from mockllm.scenario.diagnostics import Diagnostic, path_text, value_at
from mockllm.scenario.file_loader import LoadedFile
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.language.rule import RuleSpec
from mockllm.scenario.language.settings import Settings
from mockllm.scenario.loader import LoadedScenarios
from mockllm.scenario.matcher_logic import Wider, contradiction
from mockllm.scenario.rule_lint import unmeant
from mockllm.scenario.typed_entries import TypedEntry
from mockllm.scenario.vocabulary import RESERVED

SLOW: Final = 50
"""So many regexes without a literal are worth a word: each of them tries every request."""

GUARDS: Final = ("match", "chance", "times", "skip", "every", "during", "requires_state", "choose")
"""What says when a rule answers."""


class LintSubject(Struct, frozen=True):
    """A rule or modifier where it stands."""

    entry: TypedEntry
    file: LoadedFile
    matcher: Matcher

    @property
    def word(self) -> Any:
        return self.entry.spec

    def warn(self, message: str, *below: str | int, key: bool = False) -> Diagnostic:
        """A warning about it, or about something below it."""
        source = self.file.source
        return source.mistake(source.there((*self.entry.path, *below)), message, key)

    @property
    def settled(self) -> bool:
        """Whether its guards and its match are the same whatever the parameters are."""
        if self.file.raw.data is self.file.source.data:
            return True
        path = self.entry.path
        given, filled = (value_at(source.data, path) for source in (self.file.raw, self.file.source))
        return all(given.get(word) == filled.get(word) for word in GUARDS)


def warnings(gathered: LoadedScenarios) -> list[Diagnostic]:
    """All warnings, by place; none about a rule or modifier with a mistake, which is not yet what was meant."""
    return finished(in_slices(gathered))


def in_slices(
    gathered: LoadedScenarios, catalog: Catalog | None = None
) -> Generator[None, None, list[Diagnostic]]:
    """The same in small steps. `catalog` is the one of what was gathered, where it is made already."""
    files = {file.path: file for file in gathered.loading.files}
    broken = {(each.file, each.path.partition("]")[0]) for each in gathered.mistakes}
    if catalog is None:
        matchers = [sees(entry.spec) for entry in gathered.entries]
    else:
        matchers = [item.matcher for item in catalog.items]
    standing = [
        LintSubject(entry, files[entry.file], made)
        for entry, made in zip(gathered.entries, matchers, strict=True)
        if (files[entry.file].source.name, path_text(entry.path).rstrip("]")) not in broken
    ]
    found: list[Diagnostic] = [*_slow(standing)]
    as_asked = not any(_forces(each.word) for each in standing)
    for each in standing:
        found += _unplayable(each, as_asked)
        for look in LOOKS:
            found += look(each)
        found += (each.warn(message, *below) for below, message in unmeant(each.word, gathered.vocabulary))
        yield
    yield from _hidden(standing, found)
    return sorted(set(found))


# --- rules that never answer -----------------------------------------------------------------------


def _never(each: LintSubject) -> Iterator[Diagnostic]:
    """By itself: fallbacks are never told so, nor what a parameter may change."""
    word = each.word
    if not isinstance(word, RuleSpec) or each.entry.rank[0] or not each.settled:
        return
    against = contradiction(each.matcher)
    if against is not None:
        yield each.warn(f"can never answer: no request has {against}", "match", key=True)
    if word.chance == 0:
        yield each.warn("can never answer: its chance is 0", "chance")
    if word.times == 0:
        yield each.warn("can never answer: it answers 0 times", "times")
    if word.choose is not None and not any(branch.weight for branch in word.choose):
        yield each.warn("can never answer: all weights are 0", "choose")


def _hidden(standing: Iterable[LintSubject], found: list[Diagnostic]) -> Iterator[None]:
    """Finds rules behind one of the same layer that answers all that they match."""
    layers: dict[int, list[LintSubject]] = {}
    for each in standing:
        if each.entry.kind == "rule" and not each.entry.rank[0] and each.settled:
            layers.setdefault(each.entry.rank[1], []).append(each)
    for layer in layers.values():
        sure = [(number, each) for number, each in enumerate(layer) if _sure(each.word)]
        wider = Wider([each.matcher for _, each in sure])
        yield from wider.fill()
        before = 0
        for number, each in enumerate(layer):
            while before < len(sure) and sure[before][0] < number:
                before += 1
            by = wider.first(each.matcher, before)
            if by is not None:
                found.append(each.warn(f"can never answer: {_told(sure[by][1])} answers all that it matches"))
            yield


def _sure(word: RuleSpec) -> bool:
    """Whether it answers whenever its match holds."""
    if word.sequence is not None and word.then == "fall_through":
        return False
    if word.during is not None or word.requires_state:
        return False
    return word.chance in (None, 1) and word.times is None and not word.skip and word.every in (None, 1)


def _told(each: LintSubject) -> str:
    return f'"{each.entry.id.rpartition(":")[2]}" ({each.entry.where})'


# --- what else is hardly meant -------------------------------------------------------------------


def _broad(each: LintSubject) -> Iterator[Diagnostic]:
    """A pack's rule for everything hides what is used behind it."""
    ordinary = each.entry.kind == "rule" and not each.entry.rank[0]
    if each.file.layer == "pack" and ordinary and not each.word.match.model_fields_set:
        yield each.warn(
            "a pack's rule without a match answers everything; make it `fallback: true`, or give it a match"
        )


def _reserved(each: LintSubject) -> Iterator[Diagnostic]:
    """Paths that the server keeps to itself."""
    for path in _paths(each.word.match.path):
        first = path.split("/")[1:2]
        if first and first[0] in RESERVED:
            message = f"/{first[0]} is the server's own: no request to it comes here"
            yield each.warn(message, "match", "path")
            return
        if first == ["s"]:
            yield each.warn("/s/ID names a session: rules see the path behind it", "match", "path")
            return


def _paths(condition: Any) -> Iterator[str]:
    """The paths that a condition spells out, at least in their first part."""
    if isinstance(condition, str):
        yield condition
    elif isinstance(condition, list):
        for each in condition:
            yield from _paths(each)
    elif condition is not None:
        for word in ("equals", "glob"):
            yield from _paths(getattr(condition, word))
        yield from (path for path in _paths(condition.starts_with) if path.count("/") > 1)


def _forces(word: Any) -> bool:
    """Whether it may stream what was not asked to be, as a recording may."""
    says = (word, *(getattr(word, "sequence", None) or ()), *(getattr(word, "choose", None) or ()))
    return any(said.stream not in (None, False) or getattr(said, "replay", None) for said in says)


def _unplayable(each: LintSubject, as_asked: bool) -> Iterator[Diagnostic]:
    """Faults that need another kind of answer than any that they could strike. `as_asked`: nothing is streamed
    that a request did not ask to be."""
    word = each.word
    asked = False if as_asked and word.match is not None and word.match.stream is False else None
    if not isinstance(word, RuleSpec):
        yield from _faults(each, word, [(word, asked)])
        return
    says = [(said, _streamed(said, word, asked)) for said in (*(word.sequence or ()), *(word.choose or ()))]
    yield from _faults(each, word, says or [(word, _streamed(word, word, asked))])
    below = "choose" if word.sequence is None else "sequence"
    for number, said in enumerate(says):
        yield from _faults(each, said[0], [said], below, number)


def _streamed(said: Any, rule: RuleSpec, asked: bool | None) -> bool | None:
    stream: bool | None = rule.stream if said.stream is None else said.stream
    return asked if stream is None else stream


def _faults(
    each: LintSubject, settings: Settings, says: Sequence[tuple[Any, bool | None]], *below: str | int
) -> Iterator[Diagnostic]:
    """Those of these settings that none of the answers can have; each is given with its `stream`."""
    for number, word in enumerate(settings.faults or ()):
        for name in word.model_fields_set:
            fault = getattr(word, name)
            reasons = [_unfit(said, fault, stream) for said, stream in says]
            if None not in reasons:
                yield each.warn(f"{name} can never be played: {reasons[0]}", *below, "faults", number)


def _unfit(said: Any, fault: Fault, stream: bool | None) -> str | None:
    """Why an answer is not of the kind that a fault needs; None where it may be."""
    if getattr(said, "proxy", None) is not None:
        return "what another server answers is passed on as it is"
    needs = fault.needs
    missing = None if needs == "any" else _missing(said, fault, stream)
    return missing and f"it needs a {needs}, and {missing}"


def _missing(said: Any, fault: Fault, stream: bool | None) -> str | None:
    for word, told in (("error", "an error"), ("http", "an http answer")):
        if getattr(said, word, None) is not None:
            return f"{told} is never streamed" if fault.needs == "stream" else f"{told} is none"
    replay = getattr(said, "replay", None)
    if replay is not None and replay.as_ == "bytes":
        return "a recording is sent as bytes" if fault.needs_reply else None
    if fault.needs == "call":
        reply = getattr(said, "reply", None)
        return "this reply makes none" if isinstance(reply, ReplySpec) and not _calls(reply) else None
    return "with `stream: false` nothing is streamed" if fault.needs == "stream" and stream is False else None


def _calls(reply: ReplySpec) -> bool:
    """Whether a choice of it calls a tool."""
    return any(
        choice.tool_calls is not None or any(part.tool_calls is not None for part in choice.parts or ())
        for choice in reply.choices or (reply,)
    )


def _slow(standing: Iterable[LintSubject]) -> Iterator[Diagnostic]:
    """Many regexes that no index can help with."""
    found: list[tuple[LintSubject, Field]] = []
    for each in standing:
        found += [(each, field) for field, _ in slow_regexes(each.matcher)]
    if len(found) >= SLOW:
        first, field = found[0]
        message = (
            f"{len(found)} regexes, this one on {field.name} the first, have no text that must stand in what "
            "they match, so every request tries them all; a word of two letters in each makes them fast"
        )
        yield first.warn(message, "match")


LOOKS: Final[tuple[Callable[[LintSubject], Iterator[Diagnostic]], ...]] = (_never, _broad, _reserved)
"""What is looked for in each rule and modifier by itself."""
