"""Placeholders: objects that encoders place in a response where an id, a time or a token count belongs.

A cached response is rendered once with placeholders and filled for each request. A text placeholder is a string,
a number placeholder supports arithmetic and comparisons. `derive` applies any other function, such as a date format.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from secrets import token_hex
from typing import Any, Final, Literal, NamedTuple, SupportsIndex, TypeAlias, TypedDict, TypeVar, cast

from msgspec import Struct

from mockllm.core.json.codec import dumps
from mockllm.core.randomness import BASE62, IdPattern, Ids, fill_ids, id_pattern
from mockllm.core.rendering.plan import Framing, Headers, Plan, ResponseHead

_MARKER_PREFIX: Final = token_hex(16)
"""A random text per process. No request and no scenario can contain the text, since no response ever does."""
_IN_JSON: Final = re.compile(f'"{_MARKER_PREFIX}n(\\d+);"|{_MARKER_PREFIX}t(\\d+);'.encode())
_IN_HEADER: Final = re.compile(f"{_MARKER_PREFIX}t(\\d+);")

Source: TypeAlias = Literal["now", "tokens"] | IdPattern
"""The value behind a placeholder: the response's time, the request's input tokens, or an id."""

Function: TypeAlias = Callable[[Any, Any], Any]
"""A pure function of the value of a placeholder and of an operand: each has its own types."""

Comparison: TypeAlias = Callable[[Any, Any], bool]
"""Such a function whose result is true or false."""

Operation: TypeAlias = tuple[Function, object]
"""A function and its operand."""

ValueSelector: TypeAlias = Callable[[Sequence[bytes]], Sequence[bytes]]
"""Selects the values of a `PlaceholderStep`, in order, from all values of a response."""

A = TypeVar("A")
B = TypeVar("B")


class Recipe(NamedTuple):
    """Computes the value of a placeholder: a source and the operations on its value, in order."""

    source: Source
    operations: tuple[Operation, ...] = ()


class PlaceholderComparison(NamedTuple):
    """The result of a comparison that an encoder made while it placed placeholders."""

    recipe: Recipe
    compare: Comparison
    operand: object
    result: bool


class TextPlaceholder(str):
    """A text that differs in each response. Its characters are a marker that is found in the rendered bytes."""

    __slots__ = ("_placeholders", "_recipe", "_sample")

    _placeholders: Placeholders
    _recipe: Recipe
    _sample: str

    def __new__(cls, placeholders: Placeholders, recipe: Recipe, sample: str) -> TextPlaceholder:
        if dumps(sample) != b'"%b"' % sample.encode():
            raise TypeError("a placeholder's text must be the same in a JSON string and outside")
        placeholder = super().__new__(cls, f"{_MARKER_PREFIX}t{placeholders.number_of(recipe)};")
        placeholder._placeholders, placeholder._recipe, placeholder._sample = placeholders, recipe, sample
        return placeholder

    def __getitem__(self, place: SupportsIndex | slice) -> str:
        result: str = self.then(operator.getitem, place)
        return result

    # Any: a placeholder passes for the value that the function returns.
    def then(self, function: Function, operand: object) -> Any:
        """Return the placeholder of `function(value, operand)`."""
        return self._placeholders.derived(self._recipe, self._sample, (function, operand))


def _subtracted_from(value: float, operand: float) -> float:
    return operand - value


def _arithmetic(function: Function) -> Callable[[NumberPlaceholder, float], NumberPlaceholder]:
    return lambda placeholder, operand: placeholder._with(function, operand)


def _comparison(compare: Comparison) -> Callable[[NumberPlaceholder, object], bool]:
    return lambda placeholder, operand: placeholder._compare(compare, operand)


class NumberPlaceholder:
    """A number that differs in each response.

    Arithmetic with a plain number returns a further placeholder. A comparison is decided by the number of the present
    request, and its result becomes a condition for the use of the cached response. All else raises TypeError.
    """

    __slots__ = ("_placeholders", "_recipe", "_sample")

    def __init__(self, placeholders: Placeholders, recipe: Recipe, sample: float) -> None:
        self._placeholders = placeholders
        self._recipe = recipe
        self._sample = sample

    # Any: a placeholder passes for the value that the function returns.
    def then(self, function: Function, operand: object) -> Any:
        """Return the placeholder of `function(value, operand)`."""
        return self._placeholders.derived(self._recipe, self._sample, (function, operand))

    def json_value(self) -> str:
        """Return what the JSON writer writes: a marker in quotes, which the number replaces with its quotes."""
        return f"{_MARKER_PREFIX}n{self._placeholders.number_of(self._recipe)};"

    def __str__(self) -> str:
        return TextPlaceholder(self._placeholders, self._recipe, str(self._sample))

    __add__ = __radd__ = _arithmetic(operator.add)
    __sub__ = _arithmetic(operator.sub)
    __rsub__ = _arithmetic(_subtracted_from)
    __mul__ = __rmul__ = _arithmetic(operator.mul)
    __floordiv__ = _arithmetic(operator.floordiv)
    __truediv__ = _arithmetic(operator.truediv)
    __mod__ = _arithmetic(operator.mod)
    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    __eq__ = _comparison(operator.eq)
    __ne__ = _comparison(operator.ne)

    def __bool__(self) -> bool:
        return self._compare(operator.ne, 0)

    __hash__ = None  # type: ignore[assignment]  # a lookup by number would be decided for one request only

    def _with(self, function: Function, operand: float) -> NumberPlaceholder:
        if isinstance(operand, NumberPlaceholder):
            raise TypeError("a cached response computes no number from two placeholders")
        if type(operand) is int and operand == 0 and function in (operator.add, operator.sub):
            return self
        result: NumberPlaceholder = self.then(function, operand)
        return result

    def _compare(self, compare: Comparison, operand: object) -> bool:
        if isinstance(operand, NumberPlaceholder):
            raise TypeError("a cached response compares no two placeholders")
        if isinstance(self._recipe.source, IdPattern):
            raise TypeError("a cached response compares no part of an id")
        result = compare(self._sample, operand)
        self._placeholders.comparisons.append(PlaceholderComparison(self._recipe, compare, operand, result))
        return result


def _apply(value: A, function: Callable[[A], B]) -> B:
    return function(value)


def derive(function: Callable[[A], B], value: A) -> B:
    """Return `function(value)`; for a placeholder, a placeholder of it. `function` is pure and never raises."""
    if isinstance(value, (TextPlaceholder, NumberPlaceholder)):
        return cast(B, value.then(_apply, function))
    return function(value)


class Placeholders:
    """The placeholders of one rendering. Samples are the values of the present request."""

    def __init__(self, ids: Ids, now: float, tokens: int) -> None:
        self.recipes: list[Recipe] = []
        self.comparisons: list[PlaceholderComparison] = []
        self.ids: Ids = PlaceholderIds(self, ids)
        self.now = cast(float, NumberPlaceholder(self, Recipe("now"), now))
        self.tokens = cast(int, NumberPlaceholder(self, Recipe("tokens"), tokens))

    def number_of(self, recipe: Recipe) -> int:
        """Return the number of a recipe, which markers carry."""
        if recipe not in self.recipes:
            self.recipes.append(recipe)
        return self.recipes.index(recipe)

    def derived(
        self, recipe: Recipe, sample: object, operation: Operation
    ) -> TextPlaceholder | NumberPlaceholder:
        """Return a placeholder with one operation more."""
        function, operand = operation
        derived = Recipe(recipe.source, (*recipe.operations, operation))
        result = function(sample, operand)
        if type(result) is str:
            return TextPlaceholder(self, derived, result)
        if type(result) is int or type(result) is float:
            return NumberPlaceholder(self, derived, result)
        raise TypeError(f"no placeholder of {type(result).__name__}")


class PlaceholderIds(Ids):
    """Ids that are placeholders. They have no id seed, so that nothing can be computed behind their back."""

    __slots__ = ("_ids", "_placeholders")

    def __init__(self, placeholders: Placeholders, ids: Ids) -> None:
        self._placeholders = placeholders
        self._ids = ids

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        recipe = Recipe(id_pattern(prefix, length, place, alphabet))
        return TextPlaceholder(self._placeholders, recipe, self._ids.make(prefix, length, place, alphabet))


class PlaceholderStep(Struct, frozen=True):
    """A step of bytes with placeholders. Every second one of `parts` is empty for the value of a placeholder."""

    parts: Sequence[bytes]
    select: ValueSelector
    chunk_index: int

    def written(self, values: Sequence[bytes]) -> bytes:
        """Return the bytes with these values."""
        parts = [*self.parts]
        parts[1::2] = self.select(values)
        return b"".join(parts)


class Prerendered(Struct, frozen=True, eq=False):
    """A response that is rendered but for its placeholders. `unique_headers` name the number of their value."""

    status: int
    fixed: Headers
    unique_headers: Sequence[tuple[str, int]]
    ids: Sequence[IdPattern]
    computed: Sequence[Recipe]
    comparisons: Sequence[PlaceholderComparison]
    framing: Framing
    size: int
    """Bytes in memory, about."""

    @property
    def uses_input_tokens(self) -> bool:
        """Whether the response depends on the request's input tokens."""
        return any(
            recipe.source == "tokens" for recipe in (*self.computed, *(c.recipe for c in self.comparisons))
        )

    def fits(self, now: float, tokens: int) -> bool:
        """Return whether all comparisons have the same result for this request."""
        for (source, operations), compare, expected, result in self.comparisons:
            value: object = tokens if source == "tokens" else now
            for function, operand in operations:
                value = function(value, operand)
            if compare(value, expected) is not result:
                return False
        return True

    def fill(self, id_seed: bytes, now: float, tokens: int) -> Sequence[bytes]:
        """Return the values of one response: its ids (of this id seed), then its times and token counts."""
        values = fill_ids(self.ids, id_seed)
        for source, operations in self.computed:  # written out, for this runs for each response
            value: str | float
            if source == "tokens":
                value = tokens
            elif source == "now":
                value = now
            else:
                value = fill_ids((source,), id_seed)[0].decode()
            for function, operand in operations:
                value = function(value, operand)
            values.append(b"%d" % value if type(value) is int else _encoded(value))
        return values

    def head(self, values: Sequence[bytes]) -> ResponseHead:
        """Return the head of the response with these values."""
        unique = [(name, values[number].decode()) for name, number in self.unique_headers]
        return ResponseHead(self.status, self.fixed, tuple(unique))


class PrerenderedFields(TypedDict):
    """The fields of every `Prerendered`."""

    status: int
    fixed: Headers
    unique_headers: Sequence[tuple[str, int]]
    ids: Sequence[IdPattern]
    computed: Sequence[Recipe]
    comparisons: Sequence[PlaceholderComparison]
    framing: Framing
    size: int


def _encoded(value: str | float) -> bytes:
    return value.encode() if type(value) is str else dumps(value)


class PlaceholderParser:
    """Finds the placeholders in a plan that was rendered with them, and numbers the values of those that it finds."""

    def __init__(self, plan: Plan, placeholders: Placeholders) -> None:
        self._plan = plan
        self._recipes = placeholders.recipes
        self._comparisons = tuple(dict.fromkeys(placeholders.comparisons))
        self._used: dict[int, None] = {}
        self._fixed: list[tuple[str, str]] = []
        self._unique: list[tuple[str, int]] = []
        for name, value in plan.head.headers:
            marker = _IN_HEADER.fullmatch(value)
            if marker is not None:
                self._unique.append((name, self._use(marker[1])))
            elif _MARKER_PREFIX in value:
                raise TypeError(f"the header {name} holds more than one placeholder")
            else:
                self._fixed.append((name, value))

    def _use(self, number: str | bytes) -> int:
        self._used[int(number)] = None
        return int(number)

    def split(self, data: bytes) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
        """Return the bytes, every second part empty for a value, and the numbers of the recipes of these values."""
        parts: list[bytes] = []
        numbers: list[int] = []
        end = 0
        for marker in _IN_JSON.finditer(data):
            parts += (data[end : marker.start()], b"")
            numbers.append(self._use(marker[1] or marker[2]))
            end = marker.end()
        return (*parts, data[end:]), tuple(numbers)

    def finish(self, size: int) -> tuple[PrerenderedFields, Callable[[Sequence[int]], ValueSelector]]:
        """Return the fields of a `Prerendered` whose steps have `size` bytes, and a function from recipe numbers to a
        selector. Call `finish` after `split` has seen all steps."""
        ids = [number for number in self._used if _is_plain_id(self._recipes[number])]
        computed = [number for number in self._used if not _is_plain_id(self._recipes[number])]
        places = {number: place for place, number in enumerate([*ids, *computed])}
        fields: PrerenderedFields = {
            "status": self._plan.head.status,
            "fixed": tuple(self._fixed),
            "unique_headers": tuple((name, places[number]) for name, number in self._unique),
            "ids": tuple(cast(IdPattern, self._recipes[number].source) for number in ids),
            "computed": tuple(self._recipes[number] for number in computed),
            "comparisons": self._comparisons,
            "framing": self._plan.framing,
            "size": 1000 + size,
        }
        return fields, lambda numbers: value_selector([places[number] for number in numbers])


def _is_plain_id(recipe: Recipe) -> bool:
    return isinstance(recipe.source, IdPattern) and not recipe.operations


def value_selector(order: Sequence[int]) -> ValueSelector:
    """Return a function that selects the items at these places."""
    if not order:
        return lambda values: ()
    if len(order) == 1:
        return lambda values: (values[order[0]],)
    return itemgetter(*order)
