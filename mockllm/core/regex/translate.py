"""Translates Python's regex syntax into RE2's, so that a search takes time linear in the text.

The translation has Python's meaning: Unicode classes, case folding, and `$` before a final line feed. It works on
the parse tree of `re`. Look-arounds, back references, atomic groups and counts above 1,000 have no RE2 form. The
same holds for groups in an endless repeat of what may be empty.

RE2 knows only the word boundaries of ASCII. A text beyond ASCII therefore gets a marker at each boundary. The
pattern for such texts expects the markers: `\\b` is the marker, and each character may have a marker before it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from re import _casefix, _constants, _parser  # type: ignore[attr-defined]
from typing import Final, NamedTuple, TypeAlias, cast

TreeItem: TypeAlias = tuple[object, object]
"""An item of a parse tree of `re`: its operation, a constant, and its argument. `re` has no types for them: the
operation says what the argument is."""
BranchArgument: TypeAlias = tuple[None, Sequence[Iterable[TreeItem]]]
"""The argument of alternatives."""
SetArgument: TypeAlias = Sequence[TreeItem]
"""The argument of a set: its members."""
RangeArgument: TypeAlias = tuple[int, int]
"""The argument of a range in a set: its first and its last character."""
AtomicGroupArgument: TypeAlias = Iterable[TreeItem]
"""The argument of an atomic group: its tree."""
AssertionArgument: TypeAlias = tuple[int, Iterable[TreeItem]]
"""The argument of an assertion: its direction and its tree."""
GroupArgument: TypeAlias = tuple[int | None, int, int, Iterable[TreeItem]]
"""The argument of a group: its number, the flags that it adds and removes, and its tree."""
RepeatArgument: TypeAlias = tuple[int, int, Iterable[TreeItem]]
"""The argument of a repeat: the least and the greatest count, and the repeated tree."""
BOUNDARY_MARKER: Final = "\uf8ff"
"""The marker at each word boundary of a marked text: a private-use character, which no text should contain."""
MAX_COUNT: Final = 1000
"""RE2 refuses greater counts in a repeat, and greater products of nested counts."""
MAX_ITEMS: Final = 4000
"""A pattern whose repeats unfold to more items than this is not translated: RE2 would need much memory."""
_DIGIT: Final = r"\p{Nd}"
_SPACE: Final = "\\x09-\\x0d\\x1c-\\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WORD: Final = r"\p{L}\p{N}_"
_CLASSES: Final = {
    _constants.CATEGORY_DIGIT: (_DIGIT, "0-9"),
    _constants.CATEGORY_SPACE: (_SPACE, r"\x09-\x0d\x20"),
    _constants.CATEGORY_WORD: (_WORD, "0-9A-Za-z_"),
}
_NEGATED: Final = {
    _constants.CATEGORY_NOT_DIGIT: _constants.CATEGORY_DIGIT,
    _constants.CATEGORY_NOT_SPACE: _constants.CATEGORY_SPACE,
    _constants.CATEGORY_NOT_WORD: _constants.CATEGORY_WORD,
}


class Untranslatable(Exception):
    """The pattern has no RE2 form."""


def has_boundary(tree: Iterable[TreeItem]) -> bool:
    """Return whether a parse tree contains `\\b`."""
    return any(_has(item, _BOUNDARY) for item in tree)


def _is_boundary(operation: object, argument: object) -> bool:
    return operation is _constants.AT and argument is _constants.AT_BOUNDARY


def _is_end(operation: object, argument: object) -> bool:
    return operation is _constants.AT and argument in _ENDS


def _parts(operation: object, argument: object) -> Sequence[Iterable[TreeItem]]:
    """Return the sub-trees of an item; one empty tree for an item without any."""
    if operation is _constants.BRANCH:
        return cast(BranchArgument, argument)[1]
    if operation is _constants.SUBPATTERN:
        return (cast(GroupArgument, argument)[3],)
    if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
        return (cast(RepeatArgument, argument)[2],)
    return ((),)


class Translation(NamedTuple):
    """A pattern for RE2. `groups` are the numbers of the groups in Python's pattern, in order. 0 is the line feed
    that `$` leaves out of a match and RE2 must include."""

    pattern: str
    groups: tuple[int, ...]


def translate(pattern: str, ignore_case: bool = False, *, marked: bool = False) -> Translation:
    """Return the RE2 form of a valid pattern; `marked` for texts with markers. Raise Untranslatable."""
    tree = _parser.parse(pattern, re.IGNORECASE if ignore_case else 0)
    translator = _Translator(marked)
    written = translator.sequence(tree, tree.state.flags, last=True)
    if not _has_utf8_form(written):
        raise Untranslatable
    return Translation(written, tuple(translator.groups))


def translate_character(operation: object, argument: object, flags: int) -> str:
    """Translate an item that takes one character. Raise Untranslatable for some complements of classes."""
    return _one(operation, argument, flags, "")


def word_class(flags: int) -> str:
    """Return the word characters with these flags, as members of a class."""
    return _CLASSES[_constants.CATEGORY_WORD][bool(flags & re.ASCII)]


class _Translator:
    """The translation of one pattern. `_items` counts the items of its unfolded repeats."""

    def __init__(self, marked: bool) -> None:
        self._marked = marked
        self._items = 0
        self.groups: list[int] = []

    def sequence(self, tree: Iterable[TreeItem], flags: int, *, last: bool, times: int = 1) -> str:
        """Translate consecutive items. `last`: no item with characters follows; `times`: the enclosing counts."""
        items = list(tree)
        if self._marked:
            _check_boundaries(items)
        end = len(items) - 1
        while end > 0 and _is_end(*items[end]):
            end -= 1
        written = []
        for number, (operation, argument) in enumerate(items):
            written.append(self._item(operation, argument, flags, last and number >= end, times))
        return "".join(written)

    def _item(self, operation: object, argument: object, flags: int, last: bool, times: int) -> str:
        if operation is _constants.AT:
            return self._anchor(argument, flags, last)
        if operation is _constants.BRANCH:
            parts = cast(BranchArgument, argument)[1]
            branches = [self.sequence(part, flags, last=last, times=times) for part in parts]
            return f"(?:{'|'.join(branches)})"
        if operation is _constants.SUBPATTERN:
            group, add, remove, part = cast(GroupArgument, argument)
            self.groups += [] if group is None else [group]
            inner = self.sequence(part, (flags | add) & ~remove, last=last and group is None, times=times)
            return f"(?:{inner})" if group is None else f"({inner})"
        if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            lazy = "?" if operation is _constants.MIN_REPEAT else ""
            return self._repeat(cast(RepeatArgument, argument), flags, times) + lazy
        self._items += times
        if self._items > MAX_ITEMS:
            raise Untranslatable
        marker = r"\x{f8ff}" if self._marked else ""
        return (marker + "?" if marker else "") + _one(operation, argument, flags, marker)

    def _repeat(self, argument: RepeatArgument, flags: int, times: int) -> str:
        least, most, part = argument
        endless = most is _constants.MAXREPEAT
        count = least if endless else int(most)
        times *= max(count, 1)
        if times > MAX_COUNT:
            raise Untranslatable
        outer_groups = len(self.groups)
        inner = self.sequence(part, flags, last=False, times=times)
        if endless and len(self.groups) > outer_groups and cast(_parser.SubPattern, part).getwidth()[0] == 0:
            raise Untranslatable  # `re` repeats an empty part once more than RE2, and the groups have that
        return f"(?:{inner}){{{least},{'' if endless else most}}}"

    def _anchor(self, place: object, flags: int, last: bool) -> str:
        marker = "\\x{f8ff}?" if self._marked else ""
        if place is _constants.AT_BOUNDARY:
            if flags & re.ASCII and self._marked:
                raise Untranslatable
            return "\\x{f8ff}" if self._marked else r"\b"
        if place is _constants.AT_BEGINNING_STRING:
            return r"\A"
        if place is _constants.AT_BEGINNING:
            return "(?m:^)" if flags & re.MULTILINE else r"\A"
        if place is _constants.AT_END_STRING:
            return marker + r"\z"
        if place is _constants.AT_END and flags & re.MULTILINE:
            return f"{marker}(?m:$)"
        if place is _constants.AT_END and last:
            self.groups.append(0)
            return rf"{marker}(\n)?\z"
        raise Untranslatable


def _check_boundaries(items: Sequence[TreeItem]) -> None:
    """Raise Untranslatable where two boundaries may be at one place, whose text has one marker."""
    boundaries = [number for number, item in enumerate(items) if _is_boundary(*item)]
    before_boundary = before_beginning = False
    for item in reversed(items):  # the marker is between the two: only `^\\b` and `\\b$` are in its order
        is_boundary = _has(item, _BOUNDARY)
        if (before_boundary and _has(item, _ENDS)) or (before_beginning and is_boundary):
            raise Untranslatable
        before_boundary = before_boundary or is_boundary
        before_beginning = before_beginning or _has(item, _BEGINNINGS)
    for left, right in pairwise(boundaries):
        if not any(_takes_character(*item) for item in items[left + 1 : right]):
            raise Untranslatable
    inner = [number for number, item in enumerate(items) if any(has_boundary(part) for part in _parts(*item))]
    if inner and (boundaries or len(inner) > 1 or items[inner[0]][0] in _REPEATS):
        raise Untranslatable


def _has(item: TreeItem, places: Sequence[object]) -> bool:
    """Return whether an item is, or contains, one of these anchors."""
    operation, argument = item
    if operation is _constants.AT:
        return argument in places
    return any(_has(inner, places) for part in _parts(operation, argument) for inner in part)


_BOUNDARY: Final = (_constants.AT_BOUNDARY,)
_BEGINNINGS: Final = (_constants.AT_BEGINNING, _constants.AT_BEGINNING_STRING)
_ENDS: Final = (_constants.AT_END, _constants.AT_END_STRING)
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
_SINGLE: Final = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)


def _takes_character(operation: object, argument: object) -> bool:
    """Return whether an item takes at least one character."""
    if operation in _REPEATS:
        least, _, part = cast(RepeatArgument, argument)
        return least > 0 and any(_takes_character(*item) for item in part)
    if operation is _constants.SUBPATTERN:
        return any(_takes_character(*item) for item in cast(GroupArgument, argument)[3])
    return operation in _SINGLE


def _one(operation: object, argument: object, flags: int, marker: str) -> str:
    """Translate an item that takes one character; a negated class does not take the marker."""
    if operation is _constants.ANY:
        return (
            f"[^{marker}]"
            if flags & re.DOTALL and marker
            else r"(?s:.)"
            if flags & re.DOTALL
            else rf"[^\n{marker}]"
        )
    if operation is _constants.LITERAL:
        letters = _letters(cast(int, argument), flags)
        return _code(letters[0]) if len(letters) == 1 else f"[{''.join(map(_code, letters))}]"
    if operation is _constants.NOT_LITERAL:
        return f"[^{_literal(cast(int, argument), flags)}{marker}]"
    if operation is _constants.IN:
        return _set(cast(SetArgument, argument), flags, marker)
    raise Untranslatable


def _set(items: Sequence[TreeItem], flags: int, marker: str) -> str:
    """Translate a class. RE2 has no negated class inside of a class: there it becomes an alternative."""
    negated = bool(items) and items[0][0] is _constants.NEGATE
    members: list[str] = []
    complements: list[str] = []
    for operation, argument in items[1 if negated else 0 :]:
        if operation is _constants.LITERAL:
            members.append(_literal(cast(int, argument), flags))
        elif operation is _constants.RANGE:
            members.append(_range(*cast(RangeArgument, argument), flags))
        elif argument in _NEGATED:
            complements.append(_CLASSES[_NEGATED[argument]][bool(flags & re.ASCII)])
        else:
            members.append(_CLASSES[argument][bool(flags & re.ASCII)])
    if not complements:
        return f"[{'^' if negated else ''}{''.join(members)}{marker if negated else ''}]"
    if not negated:
        classes = [f"[^{each}{marker}]" for each in complements]
        if members:
            classes.append(f"[{''.join(members)}]")
        return f"(?:{'|'.join(classes)})"
    if members or len(complements) > 1:
        raise Untranslatable
    return f"[{complements[0]}]"


def _literal(code: int, flags: int) -> str:
    return "".join(map(_code, _letters(code, flags)))


def _letters(code: int, flags: int) -> Sequence[int]:
    """Return the characters that a literal matches."""
    return [code] if not flags & re.IGNORECASE else sorted(_same_letter(code, bool(flags & re.ASCII)))


def _range(low: int, high: int, flags: int) -> str:
    written = f"{_code(low)}-{_code(high)}"
    if not flags & re.IGNORECASE:
        return written
    cased, letters = _cased_letters(), set[int]()
    for code in cased[bisect_left(cased, low) : bisect_right(cased, high)]:
        letters |= _same_letter(code, bool(flags & re.ASCII))
    return written + "".join(
        _code(each) for each in sorted(each for each in letters if not low <= each <= high)
    )


def _code(code: int) -> str:
    """Return a character as it is in a pattern and in a class, for RE2 and for `regex`."""
    character = chr(code)
    return character if code > 127 or character.isalnum() else f"\\x{code:02x}"


def _has_utf8_form(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # of a lone surrogate
        return False
    return True


def _same_letter(code: int, ascii_only: bool) -> set[int]:
    """Return all characters that `re` treats as equal to this one when it ignores case."""
    if ascii_only:
        return {ord(c) for c in (chr(code), chr(code).lower(), chr(code).upper())} if code < 128 else {code}
    lower = _lower(code)
    family = {lower, *_casefix._EXTRA_CASES.get(lower, ())}
    return {each for letter in family for each in _upper_forms().get(letter, (letter,))} | family | {code}


def _lower(code: int) -> int:
    """Return the simple lower-case form, as `re` uses it."""
    text = chr(code).lower()
    return ord(text[0])


@cache
def _upper_forms() -> dict[int, tuple[int, ...]]:
    """Map each lower-case letter to the characters whose lower-case form it is."""
    forms: dict[int, list[int]] = {}
    for code in range(0x1E944):  # there is no cased letter after these
        if not 0xD800 <= code <= 0xDFFF and (lower := _lower(code)) != code:
            forms.setdefault(lower, [lower]).append(code)
    return {letter: tuple(codes) for letter, codes in forms.items()}


@cache
def _cased_letters() -> Sequence[int]:
    """Return all characters that `re` treats as equal to another one when it ignores case, in order."""
    letters = {code for codes in _upper_forms().values() for code in codes}
    return sorted(letters.union(_casefix._EXTRA_CASES, *_casefix._EXTRA_CASES.values()))
