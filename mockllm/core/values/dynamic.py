"""Values that are known only when a request is answered: templates and draws, and the trees they stand in.

The language's models hold them where a constant could stand (`core.values` says how they are written);
`evaluate` puts plain values in their place.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel

from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import Distribution
from mockllm.core.randomness import Randomness
from mockllm.core.templates.template import Template, TemplateScope

T = TypeVar("T")


class Context(Struct, frozen=True):
    """What a value may look at. `place` is the position of the value in its tree: each place draws on its
    own, so that adding a draw elsewhere changes none."""

    scope: TemplateScope
    randomness: Randomness
    place: str = ""
    max_wait: float = inf
    """Seconds that a request may make the server wait by what it holds."""

    def at(self, key: str | int) -> Context:
        return Context(self.scope, self.randomness, f"{self.place}.{key}", self.max_wait)


class Dynamic(Struct, frozen=True):
    """A value of one request. `evaluate` finds these by their class."""

    def value(self, context: Context) -> object:
        raise NotImplementedError  # pragma: no cover - abstract


class Expression(Dynamic, Generic[T], frozen=True):
    """A template in a place of type T. `convert` reads what it gave as that type, and raises a ValueError
    with a person's message where it cannot: then the request is to blame, in a TemplateFailure."""

    template: Template
    convert: Callable[[Json], T]
    waits: bool = False
    """Whether it is a duration: then the client may not choose more than `Context.longest`."""

    def value(self, context: Context) -> T:
        value = self.template.render(context.scope)
        try:
            converted = self.convert(value)
        except ValueError as error:
            raise self.template.failure(str(error)) from None
        if self.waits and isinstance(converted, float) and converted > context.max_wait:
            return context.max_wait  # type: ignore[return-value]  # T is float here
        return converted


class Drawn(Dynamic, frozen=True):
    """A number drawn once for each answer; `whole` ones are integers. What would lie beyond the bounds of its place
    is the bound."""

    distribution: Distribution
    whole: bool = False
    least: float = 0
    most: float = inf

    def value(self, context: Context) -> float | int:
        drawn = self.distribution.draw(context.randomness.random(context.place))
        return min(max(round(drawn) if self.whole else drawn, self.least), self.most)


_LEAVES = frozenset({str, int, float, bool, bytes, type(None)})


def is_static(tree: object) -> bool:
    """Whether a tree holds nothing dynamic: then it need not be evaluated at all."""
    if type(tree) in _LEAVES:
        return True
    if isinstance(tree, Dynamic):
        return False
    return all(is_static(child) for _, child in _children(tree))


def evaluate(tree: T, context: Context) -> T:
    """The tree with every Dynamic replaced by its value. What holds none comes back as the same object.

    Raises TemplateFailure where a request lacks what a template reads.
    """
    if type(tree) in _LEAVES:
        return tree
    if isinstance(tree, Dynamic):
        return tree.value(context)  # type: ignore[return-value]  # the place's type is what it gives
    changed = {}
    for key, child in _children(tree):
        value = evaluate(child, context.at(key)) if type(child) not in _LEAVES else child
        if value is not child:
            changed[key] = value
    return _with(tree, changed) if changed else tree


def _children(tree: object) -> Any:
    """The parts of a tree by key; nothing for what is not looked into."""
    if isinstance(tree, (tuple, list)):
        return enumerate(tree)
    if isinstance(tree, dict):
        return tree.items()
    if isinstance(tree, BaseModel):
        return tree.__dict__.items()
    if isinstance(tree, Struct):
        return [(name, getattr(tree, name)) for name in tree.__struct_fields__]
    return ()


def _with(tree: Any, changed: dict[Any, Any]) -> Any:
    """A copy of a tree with some parts changed; nothing is validated again."""
    if isinstance(tree, (tuple, list)):
        return type(tree)(changed.get(index, part) for index, part in enumerate(tree))
    if isinstance(tree, dict):
        return {**tree, **changed}
    if isinstance(tree, BaseModel):
        return tree.model_copy(update=changed)
    return replace(tree, **changed)
