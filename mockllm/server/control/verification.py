"""Whether what a test expects was asked: counts, order, rules never used, requests that no rule answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct
from pydantic import ValidationError

from mockllm.core.display import brief
from mockllm.core.matching.hints import nearest_word
from mockllm.core.matching.matchers import Matcher
from mockllm.core.redaction import is_secret, redact_text
from mockllm.core.request.request import Request
from mockllm.engine import Engine
from mockllm.engine.near_misses import mismatch_line
from mockllm.scenario.language.match import Match
from mockllm.scenario.matchers import matcher
from mockllm.scenario.source_file import Source
from mockllm.scenario.validation_errors import diagnostics_of
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.server.control.journal_queries import is_called, read_again
from mockllm.server.control.models.resources import (
    Expectation,
    NearestRequest,
    UnmetExpectation,
    VerifyBody,
    VerifyResult,
)
from mockllm.server.control.problem import FieldProblem, Problem, of_mistakes
from mockllm.server.control.time_slices import TimeSlices
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.journal import Journal

NEAREST: Final = 3


class CompiledExpectation(Struct, frozen=True):
    """An expectation, ready to be asked."""

    matcher: Matcher
    rule: str | None
    least: int
    most: int | None
    words: str
    """How many, in words."""

    def holds(self, each: JournalEntry, request: Request) -> bool:
        return (self.rule is None or is_called(each.rule, self.rule)) and self.matcher.matches(request)

    def differences(self, each: JournalEntry, request: Request) -> list[str]:
        found = [
            redact_text(mismatch_line(each)) for each in self.matcher.differences(request) if not each.matched
        ]
        if self.rule is not None and not is_called(each.rule, self.rule):
            found.append(f"rule expected {self.rule}, found {each.rule or 'none'}")
        return found


async def verify(
    body: VerifyBody, source: Source, journal: Journal, engine: Engine, vocabulary: Vocabulary
) -> VerifyResult:
    """What came of a verification; `source` is the body's text, for positions. Raises Problem."""
    wanted = [_wanted(each, number, source, vocabulary) for number, each in enumerate(body.expect)]
    found = [
        each
        for each in journal
        if each.number > body.since and (body.session is None or each.session == body.session)
    ]
    slices = TimeSlices()
    asked: list[tuple[JournalEntry, Request]] = []
    for each in found:
        if each.kind is not None:
            asked.append((each, read_again(each, engine)))
            await slices.turn()
    held = [await _held(each, asked, slices) for each in wanted]
    failures: list[UnmetExpectation] = []
    for number, expected in enumerate(wanted):
        failure = await _counted(number, expected, held[number], asked, slices)
        if failure is not None:
            failure.message += _unknown(expected.rule, found, engine)
            failures.append(failure)
    failures += _ordered(held) if body.in_order and not failures else []
    failures += _unmatched(found) if body.no_unmatched else []
    failures += _unused(found, engine) if body.all_rules_used else []
    first = next((each.number for each in journal), journal.total + 1)
    return VerifyResult(
        passed=not failures,
        checked=len(found),
        lost=max(0, first - 1 - body.since),
        counts=[len(each) for each in held],
        failures=failures,
    )


def _wanted(each: Expectation, number: int, source: Source, vocabulary: Vocabulary) -> CompiledExpectation:
    if each.exactly is not None and (each.at_least is not None or each.at_most is not None):
        message = "give exactly, or at_least and at_most"
        raise Problem(422, message, [FieldProblem(field=f"expect[{number}].exactly", message=message)])
    least = each.exactly if each.exactly is not None else each.at_least
    most = each.exactly if each.exactly is not None else each.at_most
    if least is None:
        least = 0 if most is not None else 1
    if most is not None and most < least:
        message = "at_most is less than at_least"
        raise Problem(422, message, [FieldProblem(field=f"expect[{number}].at_most", message=message)])
    words = f"exactly {least}" if least == most else f"at least {least}" if most is None else (
        f"{least} to {most}" if least else f"at most {most}"
    )  # fmt: skip
    return CompiledExpectation(
        _matcher(each.match, number, source, vocabulary), each.rule, least, most, words
    )


def _matcher(data: dict[str, Any], number: int, source: Source, vocabulary: Vocabulary) -> Matcher:
    path = ("expect", number, "match")
    try:
        word = Match.model_validate(data, context={"vocabulary": vocabulary, "literal": True})
    except ValidationError as error:
        raise of_mistakes(diagnostics_of(error, source, path, Match)) from None
    message = "the journal keeps no keys; filter by session, or compare `key` of /api/requests"
    unkept = [source.mistake((*path, *place), message, key=True) for place in _unkept(data)]
    if unkept:
        raise of_mistakes(unkept)
    return matcher(word)


def _unkept(match: dict[str, Any]) -> Iterator[tuple[str | int, ...]]:
    """Where a match asks for what the journal does not hold; whether there was a header or parameter, it does."""
    for word, asked in match.items():
        if word == "api_key":
            yield (word,)
        elif word in ("headers", "query"):
            secrets = ((name, each) for name, each in asked.items() if is_secret(name))
            yield from (
                (word, name)
                for name, each in secrets
                if not (isinstance(each, dict) and each.keys() == {"exists"})
            )
        elif word == "not":
            yield from ((word, *place) for place in _unkept(asked))
        elif word in ("all", "any"):
            yield from ((word, index, *place) for index, each in enumerate(asked) for place in _unkept(each))


async def _held(
    wanted: CompiledExpectation, asked: Sequence[tuple[JournalEntry, Request]], slices: TimeSlices
) -> list[int]:
    """The places of the requests that meet an expectation."""
    found = []
    for place, pair in enumerate(asked):
        if wanted.holds(*pair):
            found.append(place)
        await slices.turn()
    return found


async def _counted(
    number: int,
    wanted: CompiledExpectation,
    held: Sequence[int],
    asked: Sequence[tuple[JournalEntry, Request]],
    slices: TimeSlices,
) -> UnmetExpectation | None:
    count = len(held)
    if wanted.least <= count and (wanted.most is None or count <= wanted.most):
        return None
    message = f"expected {wanted.words}, found {count}"
    if count >= wanted.least:
        listed = [_near(asked[each][0]) for each in held]
        return UnmetExpectation(expect=number, message=message, nearest=listed[-NEAREST:])
    met = set(held)
    near: list[tuple[list[str], JournalEntry]] = []
    for place, pair in enumerate(asked):
        if place not in met:
            near.append((wanted.differences(*pair), pair[0]))
            await slices.turn()
    near.sort(key=lambda each: (len(each[0]), sum(map(_is_missing, each[0])), -each[1].number))
    listed = [_near(each, why) for why, each in near[:NEAREST]]
    return UnmetExpectation(expect=number, message=message, nearest=listed)


def _unknown(rule: str | None, found: Sequence[JournalEntry], engine: Engine) -> str:
    """What is added where no rule has this name, now or when it answered."""
    ids = {item.id for item in engine.catalog.items} | {each.rule for each in found if each.rule}
    if rule is None or any(is_called(id, rule) for id in ids):
        return ""
    names = ids if ":" in rule else {id.rpartition(":")[2] for id in ids}
    near = nearest_word(rule, sorted(names))
    return f"; no rule is called {brief(rule)}" + (f"; did you mean {brief(near)}?" if near else "")


def _near(each: JournalEntry, why: Sequence[str] = ()) -> NearestRequest:
    return NearestRequest(id=each.number, path=redact_text(each.path), differences=list(why))


def _is_missing(difference: str) -> bool:
    """Whether a request has nothing at all of what is asked for: another value of it is nearer."""
    return difference.endswith(", found missing")


def _ordered(held: Sequence[Sequence[int]]) -> list[UnmetExpectation]:
    """Each must have been asked behind one that the expectation before it met."""
    last, before = -1, 0
    for number, places in enumerate(held):
        if not places:  # it need not have been asked
            continue
        behind = [place for place in places if place > last]
        if not behind:
            message = f"was asked, but not after what expect[{before}] was met by"
            return [UnmetExpectation(expect=number, message=message)]
        last, before = behind[0], number
    return []


def _unmatched(found: Sequence[JournalEntry]) -> list[UnmetExpectation]:
    missed = [each for each in found if each.missed]
    if not missed:
        return []
    listed = [_near(each) for each in missed[:NEAREST]]
    return [
        UnmetExpectation(
            message=f"{len(missed)} request{'s' * (len(missed) != 1)} that no rule answered", nearest=listed
        )
    ]


def _unused(found: Sequence[JournalEntry], engine: Engine) -> list[UnmetExpectation]:
    catalog = engine.catalog
    used = {each.rule for each in found}
    unused = [item for item in catalog.items[: catalog.rules] if item.id not in used]
    return [UnmetExpectation(message=f"{item.id} ({item.where}) was never used") for item in unused]
