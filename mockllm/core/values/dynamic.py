"""Dynamic values: templates and draws, which get their value for each request, and the trees that contain them.

The language's models have them in place of constants (`core.values.types` defines their syntax). `evaluate` replaces
them by plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Final, Generic, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel

from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import Distribution
from mockllm.core.randomness import Randomness
from mockllm.core.templates.template import Template, TemplateScope

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class EvaluationContext(Struct, frozen=True):
    """What the templates and random values of one response are evaluated with: the names that a template may read,
    and the random numbers. `place` is the position of a value in its tree. Each place draws independently, so that an
    added draw elsewhere changes no other one."""

    scope: TemplateScope
    randomness: Randomness
    place: str = ""
    max_wait: float = inf
    """The maximum wait in seconds that a request's own data may cause."""

    def at(self, key: str | int) -> EvaluationContext:
        return EvaluationContext(self.scope, self.randomness, f"{self.place}.{key}", self.max_wait)


class Dynamic(Struct, frozen=True):
    """A value of one request. `evaluate` recognizes it by its class."""

    def value(self, context: EvaluationContext) -> object:
        raise NotImplementedError  # pragma: no cover - abstract


class Expression(Dynamic, Generic[T], frozen=True):
    """A template in a place of type T. `convert` converts the template's value to that type, or raises a
    ValueError with a message for a person. Then `value` raises a TemplateFailure."""

    template: Template
    convert: Callable[[Json], T]
    waits: bool = False
    """Whether the value is a duration, of which `EvaluationContext.max_wait` is the maximum."""

    def value(self, context: EvaluationContext) -> T:
        value = self.template.render(context.scope)
        try:
            converted = self.convert(value)
        except ValueError as error:
            raise self.template.failure(str(error)) from None
        if self.waits and isinstance(converted, float) and converted > context.max_wait:
            return context.max_wait  # type: ignore[return-value]  # T is float here
        return converted


class DrawnNumber(Dynamic, frozen=True):
    """A number that is drawn once for each response; `whole` ones are integers. A draw outside of the bounds of
    its place is the bound."""

    distribution: Distribution
    whole: bool = False
    least: float = 0
    most: float = inf

    def value(self, context: EvaluationContext) -> float | int:
        drawn = self.distribution.draw(context.randomness.random(context.place))
        return min(max(round(drawn) if self.whole else drawn, self.least), self.most)


LEAVES: Final = frozenset({str, int, float, bool, bytes, type(None)})
"""The types of values without children."""


def is_static(tree: object) -> bool:
    """Return whether a tree has no dynamic value, so that it needs no evaluation."""
    if type(tree) in LEAVES:
        return True
    if isinstance(tree, Dynamic):
        return False
    for _, child in _children(tree):  # noqa: SIM110 - a generator takes twice as long, and a rule has hundreds
        if type(child) not in LEAVES and not is_static(child):
            return False
    return True


def evaluate(tree: T, context: EvaluationContext) -> T:
    """Return the tree with every Dynamic replaced by its value. A tree without any is returned unchanged. Raise
    TemplateFailure where a request lacks a value that a template reads."""
    if type(tree) in LEAVES:
        return tree
    if isinstance(tree, Dynamic):
        return tree.value(context)  # type: ignore[return-value]  # the value has the type of the place
    changed: dict[str | int, object] = {}
    for key, child in _children(tree):
        if type(child) not in LEAVES and child:  # most fields of a model are unset or empty
            value = evaluate(child, context.at(key))
            if value is not child:
                changed[key] = value
    return cast(T, _with(tree, changed)) if changed else tree


def _children(tree: object) -> Iterable[tuple[str | int, object]]:
    """Return the children of a tree by key; none for an unknown type."""
    if isinstance(tree, (tuple, list)):
        return enumerate(tree)
    if isinstance(tree, dict):
        return tree.items()
    if isinstance(tree, BaseModel):
        return tree.__dict__.items()
    if isinstance(tree, Struct):
        return [(name, getattr(tree, name)) for name in tree.__struct_fields__]
    return ()


def _with(tree: object, changed: Mapping[str | int, object]) -> object:
    """Return a copy of a tree with some children changed, of its class, without validation."""
    if isinstance(tree, (tuple, list)):
        return type(tree)(changed.get(index, part) for index, part in enumerate(tree))
    if isinstance(tree, dict):
        return {**tree, **changed}
    if isinstance(tree, BaseModel):
        return with_fields(tree, changed)
    assert isinstance(tree, Struct)
    return replace(tree, **{str(name): child for name, child in changed.items()})


def with_fields(model: M, changed: Mapping[str, object] | Mapping[str | int, object]) -> M:
    """Return what `model_copy` returns, which takes four times as long."""
    kind, assign = type(model), object.__setattr__  # the models are frozen
    copied = kind.__new__(kind)
    assign(copied, "__dict__", {**model.__dict__, **changed})
    assign(copied, "__pydantic_fields_set__", model.__pydantic_fields_set__ | changed.keys())
    assign(copied, "__pydantic_extra__", model.__pydantic_extra__)
    assign(copied, "__pydantic_private__", model.__pydantic_private__)
    return copied
