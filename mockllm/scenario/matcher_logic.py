"""Facts about matchers without a request: a matcher that never matches, or that matches only where another one does.

Nothing here guesses: if a fact is not certain, the result is no. Separate from lint, because this module is about
core's matchers and knows no files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, cast

from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.matching.conditions import (
    AllOf,
    Compare,
    Condition,
    Contains,
    EndsWith,
    Equals,
    Exists,
    OneOf,
    Some,
    StartsWith,
    meets,
)
from mockllm.core.matching.matchers import AllMatcher, AnyMatcher, FieldMatcher, Matcher, NotMatcher
from mockllm.core.regex.compile import fold_case

MAX_COMPARED: Final = 30
"""Maximum number of rules compared for each place in which one could be hidden by another. Ten thousand rules
on one field must not be compared pair by pair."""
ANY_REQUEST: Final = "*"


def contradiction(matcher: Matcher) -> str | None:
    """Return the parts of the matcher that can never match together, as a text; None if they may match."""
    if isinstance(matcher, AnyMatcher):
        reasons = [contradiction(part) for part in matcher.parts]
        return next(iter(reasons), "an empty `any`") if None not in reasons else None
    parts = _parts(matcher)
    by_field: dict[str, list[FieldMatcher]] = {}
    for part in parts:
        if isinstance(part, FieldMatcher):
            by_field.setdefault(str(part.field), []).append(part)
        elif isinstance(part, AnyMatcher) and (inner := contradiction(part)) is not None:
            return inner
    for tests in by_field.values():
        if not (len(tests) == 1 and _is_plain(tests[0].condition_on_value)) and not _satisfiable(tests):
            return " and ".join(dict.fromkeys(test.describe() for test in tests))
    for part in parts:
        if isinstance(part, NotMatcher):
            others = [other for other in parts if other is not part]
            if implies(AllMatcher(tuple(others)), part.part):
                wanted = _parts(part.part)
                against = [each for each in others if any(implies(each, inner) for inner in wanted)]
                return " and ".join(each.describe() for each in (*against, part))
    return None


def implies(narrow: Matcher, wide: Matcher) -> bool:
    """Return whether every request that `narrow` matches is certainly one that `wide` matches."""
    if isinstance(wide, AllMatcher):
        return all(implies(narrow, part) for part in wide.parts)
    if isinstance(narrow, AllMatcher):
        return any(implies(part, wide) for part in narrow.parts) or _any_of(narrow, wide)
    if isinstance(narrow, AnyMatcher):
        return bool(narrow.parts) and all(implies(part, wide) for part in narrow.parts)
    if isinstance(narrow, FieldMatcher) and isinstance(wide, FieldMatcher) and narrow.field == wide.field:
        return _narrower(narrow, wide)
    return _same(narrow, wide) or _any_of(narrow, wide)


def _same(left: Matcher, right: Matcher) -> bool:
    return left == right and repr(left) == repr(right)  # == alone does not distinguish 1 and true


def _any_of(narrow: Matcher, wide: Matcher) -> bool:
    return isinstance(wide, AnyMatcher) and any(implies(narrow, part) for part in wide.parts)


class WiderMatchers:
    """Finds the first of some matchers, in order, that matches wherever another one does; call `fill` first."""

    def __init__(self, matchers: Sequence[Matcher]) -> None:
        self._matchers = matchers
        self._known: dict[int, IndexKeys] = {}
        self._counts: Counter[Hashable] = Counter()
        self._at: dict[Hashable, list[int]] = {}

    def fill(self) -> Iterator[None]:
        """Build the index in small steps."""
        for matcher in self._matchers:
            self._counts.update(self._counted(matcher))
            yield
        for number, matcher in enumerate(self._matchers):
            for key in self._anchor(matcher):
                self._at.setdefault(key, []).append(number)
            yield

    def first(self, narrow: Matcher, before: int) -> int | None:
        """Return the number of the first matcher before number `before` that certainly matches wherever
        `narrow` does."""
        keys = (ANY_REQUEST, *self._lookup_keys(narrow))
        numbers = {number for key in keys for number in self._at.get(key, ())[:MAX_COMPARED]}
        for number in sorted(numbers):
            if number >= before:
                return None
            if implies(narrow, self._matchers[number]):
                return number
        return None

    def _keys(self, part: FieldMatcher | NotMatcher) -> IndexKeys:
        known = self._known.get(id(part))  # looked up several times; the part lives as long as its matcher
        if known is None:
            known = self._known[id(part)] = IndexKeys.of(part)
        return known

    def _counted(self, matcher: Matcher) -> Iterator[Hashable]:
        for part in _parts(matcher):
            if isinstance(part, AnyMatcher):
                for branch in part.parts:
                    yield from self._counted(branch)
            else:
                yield from self._keys(part).own

    def _anchor(self, matcher: Matcher) -> Sequence[Hashable]:
        """Return the keys of the matcher's rarest part: every narrower matcher looks up one of them."""
        if isinstance(matcher, AnyMatcher):
            return [key for part in matcher.parts for key in self._anchor(part)]
        if isinstance(matcher, AllMatcher):
            anchors = [self._anchor(part) for part in _parts(matcher)]
            if not anchors:
                return [ANY_REQUEST]
            return min(anchors, key=lambda keys: sum(self._counts[key] for key in keys))
        keys = self._keys(matcher)
        return [*keys.wide, *keys.own]

    def _lookup_keys(self, narrow: Matcher) -> Iterator[Hashable]:
        """Yield the keys of all matchers that may be wider; of alternatives those of the first, which must be
        covered too."""
        for part in _parts(narrow):
            if isinstance(part, AnyMatcher):
                yield from (key for branch in part.parts[:1] for key in self._lookup_keys(branch))
                continue
            keys = self._keys(part)
            yield keys.own[-1]
            if isinstance(part, FieldMatcher):
                yield _exists_key(part)
                yield _pattern_key(part)


class IndexKeys(NamedTuple):
    """The keys under which a part is indexed. `own` are its literals, or the part itself; `wide` are keys for
    a part without literals, which other tests may be narrower than."""

    own: Sequence[Hashable]
    wide: Sequence[Hashable] = ()

    @classmethod
    def of(cls, part: FieldMatcher | NotMatcher) -> IndexKeys:
        if isinstance(part, NotMatcher):
            return cls([_key(part)])
        field = part.field
        literals = _literals(part)
        if literals:
            return cls([(field.name, field.key, _key(value)) for value in literals])
        expected = isinstance(part.condition_on_value, Exists) and part.condition_on_value.expected
        return cls([_key(part)], [_exists_key(part) if expected else _pattern_key(part)])


def _exists_key(test: FieldMatcher) -> Hashable:
    return test.field.name, test.field.key, "is there", ""


def _pattern_key(test: FieldMatcher) -> Hashable:
    return test.field.name, test.field.key, "is like", ""


def _key(value: object) -> Hashable:
    try:
        hash(value)
    except TypeError:  # contains JSON
        return repr(value)
    return value


def _parts(matcher: Matcher) -> Sequence[FieldMatcher | AnyMatcher | NotMatcher]:
    """Return all parts that must match together."""
    if not isinstance(matcher, AllMatcher):
        return (matcher,)
    if AllMatcher not in map(type, matcher.parts):  # nearly always
        return cast(Sequence[FieldMatcher | AnyMatcher | NotMatcher], matcher.parts)
    found: list[FieldMatcher | AnyMatcher | NotMatcher] = []
    for part in matcher.parts:
        if isinstance(part, AllMatcher):
            found += _parts(part)
        else:
            found.append(part)
    return found


def _narrower(narrow: FieldMatcher, wide: FieldMatcher) -> bool:
    if _same(narrow, wide):
        return True
    if isinstance(wide.condition_on_value, Exists) and wide.condition_on_value.expected:
        return not narrow.condition_on_value.matches(_absent(narrow))
    if isinstance(narrow.condition_on_value, Some) and isinstance(wide.condition_on_value, Some):
        values = _values(narrow.condition_on_value.condition, MISSING)
        return bool(values) and all(meets(wide.condition_on_value.condition, value) for value in values or ())
    literals = _literals(narrow)
    if literals:
        return all(wide.condition_on_value.matches(value) for value in literals)
    return narrow.field.info.kind == "text" and _text_implies(
        narrow.condition_on_value, wide.condition_on_value
    )


def _text_implies(narrow: Condition, wide: Condition) -> bool:
    """Return whether every text that meets `narrow` certainly meets `wide`."""
    if isinstance(narrow, OneOf):
        return bool(narrow.conditions) and all(_text_implies(part, wide) for part in narrow.conditions)
    if isinstance(wide, AllOf):
        return all(_text_implies(narrow, part) for part in wide.conditions)
    if isinstance(narrow, AllOf):
        return any(_text_implies(part, wide) for part in narrow.conditions)
    if isinstance(wide, OneOf):
        return any(_text_implies(narrow, part) for part in wide.conditions)
    if isinstance(narrow, Equals) and not narrow.ignore_case:
        return wide.matches(narrow.value)
    return _part_implies(narrow, wide)


def _part_implies(narrow: Condition, wide: Condition) -> bool:
    """Return whether each text with the part that `narrow` names certainly has the part that `wide` names."""
    if not isinstance(narrow, (Contains, StartsWith, EndsWith)) or not isinstance(
        wide, (Contains, StartsWith, EndsWith)
    ):
        return False
    longer, shorter = (each.value if isinstance(each, Contains) else each.text for each in (narrow, wide))
    if not isinstance(longer, str) or not isinstance(shorter, str):
        return False
    if wide.ignore_case:
        if not narrow.ignore_case and not longer.isascii():
            return False  # folding may join its first or last character with the one beside it
        longer, shorter = fold_case(longer), fold_case(shorter)
    elif narrow.ignore_case:
        return False
    if isinstance(wide, StartsWith):
        return isinstance(narrow, StartsWith) and longer.startswith(shorter)
    if isinstance(wide, EndsWith):
        return isinstance(narrow, EndsWith) and longer.endswith(shorter)
    return shorter in longer


def _is_plain(condition: Condition) -> bool:
    """Return whether a condition alone is certainly met by some value."""
    return isinstance(condition, Equals) and isinstance(condition.value, str)


def _satisfiable(tests: Sequence[FieldMatcher]) -> bool:
    """Return whether several tests of one field may be met together."""
    for test in tests:
        literals = _literals(test)
        if literals is not None:
            return any(all(other.condition_on_value.matches(value) for other in tests) for value in literals)
    if tests[0].field.info.kind == "set":
        return True  # each test may be met by another element
    return _bounded(each for test in tests for each in _compared(test.condition_on_value))


def _literals(test: FieldMatcher) -> Sequence[Json | Missing | tuple[()]] | None:
    """Return the only values that the field may have; None if they are not known."""
    return _values(test.condition_on_value, _absent(test))


def _values(condition: Condition, absent: Missing | tuple[()]) -> Sequence[Json | Missing | tuple[()]] | None:
    if isinstance(condition, Equals):
        return None if condition.ignore_case else [condition.value]
    if isinstance(condition, Exists):
        return None if condition.expected else [absent]
    if isinstance(condition, OneOf):
        each = [_values(part, absent) for part in condition.conditions]
        return None if None in each else [value for values in each for value in values or ()]
    if isinstance(condition, AllOf):
        known = (_values(part, absent) for part in condition.conditions)
        found = next((values for values in known if values is not None), None)
        return None if found is None else [value for value in found if condition.matches(value)]
    return None


def _absent(test: FieldMatcher) -> Missing | tuple[()]:
    return () if test.field.info.kind == "set" else MISSING


def _compared(condition: Condition) -> Iterator[Compare]:
    if isinstance(condition, Compare):
        yield condition
    elif isinstance(condition, AllOf):
        for part in condition.conditions:
            yield from _compared(part)


def _bounded(bounds: Iterable[Compare]) -> bool:
    """Return whether there are numbers within all bounds."""
    low, open_low, high, open_high = float("-inf"), False, float("inf"), False
    for bound in bounds:
        if bound.op in ("gt", "gte"):
            low, open_low = max((low, open_low), (bound.number, bound.op == "gt"))
        else:
            high, closed = min((high, not open_high), (bound.number, bound.op == "lte"))
            open_high = not closed
    return low < high or (low == high and not (open_low or open_high))
