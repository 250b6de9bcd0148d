"""Writes a pattern for the package `regex`, which backtracks, with Python's meaning.

That package has other word characters, white space, boundaries and case folding than `re`, and reads fuzzy matches in
braces. The form therefore comes from the parse tree of `re`. It has each class as `core.regex.translate` writes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import groupby
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Final, cast

from mockllm.core.regex.translate import (
    AssertionArgument,
    AtomicGroupArgument,
    BranchArgument,
    GroupArgument,
    RepeatArgument,
    SetArgument,
    TreeItem,
    Untranslatable,
    translate_character,
    word_class,
)


def backtracking_form(pattern: str, flags: int) -> str:
    """Return the form of a valid pattern, for `regex` without flags. `flags` are those of `re`."""
    tree = _parser.parse(pattern, flags)
    return _sequence(tree, tree.state.flags)


def _sequence(tree: Iterable[TreeItem], flags: int) -> str:
    written = []
    for ignores_case, items in groupby(tree, partial(_is_plain_letter, flags=flags)):
        # `regex` searches for such a text at once, and for classes one by one
        inner_flags = flags & ~re.IGNORECASE if ignores_case else flags
        text = "".join([_item(item, inner_flags) for item in items])
        written.append(f"(?i:{text})" if ignores_case else text)
    return "".join(written)


def _is_plain_letter(item: TreeItem, flags: int) -> bool:
    """Return whether an item is a letter whose case `regex` ignores as `re` does."""
    operation, argument = item
    folds = operation is _constants.LITERAL and flags & (re.IGNORECASE | re.ASCII) == re.IGNORECASE
    return folds and (letter := chr(cast(int, argument))).isascii() and letter not in "iI"


def _item(item: TreeItem, flags: int) -> str:
    operation, argument = item
    write = _WRITERS.get(operation)
    return translate_character(operation, argument, flags) if write is None else write(argument, flags)


def _set(members: SetArgument, flags: int) -> str:
    try:
        return translate_character(_constants.IN, members, flags)
    except Untranslatable:  # all but the members of a complement
        return f"(?!{translate_character(_constants.IN, members[1:], flags)})(?s:.)"


def _branch(argument: BranchArgument, flags: int) -> str:
    return f"(?:{'|'.join([_sequence(part, flags) for part in argument[1]])})"


def _group(argument: GroupArgument, flags: int) -> str:
    group, added, removed, part = argument
    return f"({'?:' if group is None else ''}{_sequence(part, (flags | added) & ~removed)})"


def _atomic_group(part: AtomicGroupArgument, flags: int) -> str:
    return f"(?>{_sequence(part, flags)})"


def _repeat(argument: RepeatArgument, flags: int, mode: str) -> str:
    least, most, part = argument
    return f"(?:{_sequence(part, flags)}){{{least},{'' if most is _constants.MAXREPEAT else most}}}{mode}"


def _assertion(argument: AssertionArgument, flags: int, sign: str) -> str:
    direction, part = argument
    return f"(?{'<' if direction < 0 else ''}{sign}{_sequence(part, flags)})"


def _back_reference(group: int, flags: int) -> str:
    return f"(?{'i' if flags & re.IGNORECASE else ''}:\\{group})"


def _condition(argument: tuple[int, Iterable[TreeItem], Iterable[TreeItem] | None], flags: int) -> str:
    group, present, absent = argument
    return f"(?({group}){_sequence(present, flags)}|{_sequence(absent or (), flags)})"


def _anchor(place: object, flags: int) -> str:
    if place is _constants.AT_BEGINNING:
        return "(?m:^)" if flags & re.MULTILINE else r"\A"
    if place is _constants.AT_END:
        return "(?m:$)" if flags & re.MULTILINE else "$"
    return _PLACES[place].format(word=f"[{word_class(flags)}]")


_PLACES: Final[Mapping[object, str]] = {
    _constants.AT_BEGINNING_STRING: r"\A",
    _constants.AT_END_STRING: r"\Z",
    _constants.AT_BOUNDARY: "(?:(?<={word})(?!{word})|(?<!{word})(?={word}))",
    _constants.AT_NON_BOUNDARY: "(?:(?<={word})(?={word})|(?<!{word})(?!{word}))",
}
_WRITERS: Final[Mapping[object, Callable[..., str]]] = {
    _constants.IN: _set,
    _constants.BRANCH: _branch,
    _constants.SUBPATTERN: _group,
    _constants.ATOMIC_GROUP: _atomic_group,
    _constants.MAX_REPEAT: partial(_repeat, mode=""),
    _constants.MIN_REPEAT: partial(_repeat, mode="?"),
    _constants.POSSESSIVE_REPEAT: partial(_repeat, mode="+"),
    _constants.ASSERT: partial(_assertion, sign="="),
    _constants.ASSERT_NOT: partial(_assertion, sign="!"),
    _constants.FAILURE: lambda argument, flags: "(?!)",
    _constants.GROUPREF: _back_reference,
    _constants.GROUPREF_EXISTS: _condition,
    _constants.AT: _anchor,
}
"""By operation; all further ones take one character."""
