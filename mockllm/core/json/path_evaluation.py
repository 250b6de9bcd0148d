"""The evaluation of a JSONPath query: its segments, each a function from a node to the nodes that it selects.

The work of an evaluation is bounded, since clients choose the body: a query that visits more than `MAX_VISITED` nodes
has no result. Libraries have no such bound; a descent through 3.7 MB took one of them 10 seconds and 490 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.json.equality import equal

MAX_VISITED: Final = 25_000
"""The maximum number of nodes that one evaluation visits: about 10 ms."""


class TooLarge:
    """The type of TOO_LARGE, the result of a query that visits too many nodes. It meets no condition."""

    def __str__(self) -> str:
        return f"not evaluated: the path visits more than {MAX_VISITED:,} values of the body"


TOO_LARGE: Final = TooLarge()


class TooManyVisits(Exception):
    """An evaluation has visited `MAX_VISITED` nodes."""


class PathEvaluation:
    """One evaluation of a query: its root, and the number of nodes that it may still visit."""

    __slots__ = ("left", "root")

    def __init__(self, root: Json) -> None:
        self.root = root
        self.left = MAX_VISITED

    def visit(self, count: int) -> None:
        """Count visited nodes. Raise TooManyVisits where they are too many."""
        self.left -= count
        if self.left < 0:
            raise TooManyVisits


Select: TypeAlias = Callable[[Json, PathEvaluation], Iterable[Json]]
"""Returns the nodes that a selector selects among the children of a node."""
Test: TypeAlias = Callable[[Json, PathEvaluation], bool]
"""Returns whether a node passes a filter."""
PathKey: TypeAlias = str | int


class PathSegment(NamedTuple):
    """A step of a query: a selector with its key. `descends`: it applies to each node and all its descendants."""

    select: Select
    key: PathKey | None
    descends: bool


class PathSelector(NamedTuple):
    """A selector with its kind; `key` is the name or index of a selector of one child."""

    select: Select
    kind: str
    key: PathKey | None = None


def follow(value: Json | Missing, keys: Iterable[PathKey]) -> Json | Missing:
    """Return the node of a singular path; MISSING where there is none."""
    for key in keys:
        value = value.get(key, MISSING) if isinstance(value, dict) else _item(value, key)
    return value


def _item(value: Json | Missing, key: PathKey) -> Json | Missing:
    """Return a list's item; MISSING where there is none, or the value is not a list."""
    if isinstance(key, int) and isinstance(value, list) and -len(value) <= key < len(value):
        return value[key]
    return MISSING


def find_nodes(segments: Sequence[PathSegment], start: Json, evaluation: PathEvaluation) -> list[Json]:
    """Return the nodes that the segments select, in order. Raise TooManyVisits."""
    nodes = [start]
    for select, key, descends in segments:
        selected: list[Json] = []
        if descends and isinstance(key, str):  # the usual descent, without a call for each node
            found = _with_descendants(nodes, evaluation)
            selected = [node[key] for node in found if type(node) is dict and key in node]
        else:
            for node in _with_descendants(nodes, evaluation) if descends else nodes:
                selected += select(node, evaluation)
        evaluation.visit(len(selected))
        nodes = selected
    return nodes


def _with_descendants(nodes: Iterable[Json], evaluation: PathEvaluation) -> Iterator[Json]:
    """Yield the lists and objects among the nodes and their descendants, each before its own descendants."""
    waiting = [node for node in nodes if type(node) is dict or type(node) is list]
    waiting.reverse()
    while waiting:
        if evaluation.left <= 0:
            raise TooManyVisits
        evaluation.left -= 1
        node = waiting.pop()
        yield node
        children = node.values() if type(node) is dict else node
        inner = [child for child in children if type(child) is dict or type(child) is list]
        inner.reverse()
        waiting += inner


def children_of(node: Json, evaluation: PathEvaluation) -> Iterable[Json]:
    """Return all children of a node: what a wildcard selects."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    evaluation.visit(len(children))
    return children


def child_selector(key: PathKey) -> PathSelector:
    """Return the selector of the child of a name or index."""

    def select(node: Json, evaluation: PathEvaluation) -> Iterable[Json]:
        value = follow(node, (key,))
        return () if value is MISSING else (value,)

    return PathSelector(select, "name" if isinstance(key, str) else "index", key)


def slice_selector(start: int | None, end: int | None, step: int | None) -> PathSelector:
    """Return the selector of a slice of a list."""

    def select(node: Json, evaluation: PathEvaluation) -> Iterable[Json]:
        return node[start:end:step] if isinstance(node, list) else ()

    return PathSelector(select, "slice")


def filter_selector(test: Test) -> PathSelector:
    """Return the selector of the children that pass a test."""

    def select(node: Json, evaluation: PathEvaluation) -> Iterable[Json]:
        return [child for child in children_of(node, evaluation) if test(child, evaluation)]

    return PathSelector(select, "filter")


def _less(left: Json | Missing, right: Json | Missing) -> bool:
    """Return whether a number is less than a number, or a text than a text; other values have no order."""
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    numbers = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in (left, right))
    return bool(numbers and left < right)  # type: ignore[operator]


COMPARISONS: Final[dict[str, Callable[[Json | Missing, Json | Missing], bool]]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": _less,
    ">": lambda left, right: _less(right, left),
    "<=": lambda left, right: _less(left, right) or equal(left, right),
    ">=": lambda left, right: _less(right, left) or equal(left, right),
}


class FilterQuery(NamedTuple):
    """A parsed path inside of a filter. `absolute`: it begins at the root."""

    absolute: bool
    segments: tuple[PathSegment, ...]
    keys: tuple[PathKey, ...] | None

    def exists(self, node: Json, evaluation: PathEvaluation) -> bool:
        """Return whether the path has a node."""
        start = evaluation.root if self.absolute else node
        if self.keys is not None:
            return follow(start, self.keys) is not MISSING
        return bool(find_nodes(self.segments, start, evaluation))
