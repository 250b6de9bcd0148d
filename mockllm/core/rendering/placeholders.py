"""Placeholders: objects that encoders place in a response where an id, a time or a token count belongs.

A cached response is rendered once with placeholders and filled for each request, also with the arguments of a
generated tool call. A text placeholder is a string, a number placeholder supports arithmetic and comparisons.
`map_placeholder` applies any other function, such as a date format.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Final, Literal, NamedTuple, SupportsIndex, TypeAlias, TypeVar, cast

from msgspec import Struct

from mockllm.core.json.codec import dumps
from mockllm.core.randomness import BASE62, IdPattern, Ids, fill_ids, id_pattern
from mockllm.core.rendering.argument_forms import ArgumentsForm, ValueSelector
from mockllm.core.rendering.plan import Framing, Headers, ResponseHead
from mockllm.core.rendering.tool_call_placeholders import MarkedToolCall
from mockllm.core.reply.reply import GeneratedToolCall

MARKER_PREFIX: Final = token_hex(16)
"""A random text, which this process and its workers have in common. No response contains it, so no client knows it.
No request and no scenario can contain it."""

MARKED_TOOL_CALL: Final = MarkedToolCall(MARKER_PREFIX)
"""The call that is rendered in place of a generated one: its arguments are a placeholder, in two chunks."""

ValueSource: TypeAlias = "Literal['now', 'input_tokens', 'output_tokens'] | IdPattern | Combination"
"""The value behind a placeholder: the response's time, the request's input tokens, the output tokens of a generated
call, or an id. A Combination is a number of two placeholders."""

Function: TypeAlias = Callable[..., str | float]
"""A pure function of the value of a placeholder and of an operand. Those of one `Computation` take several types."""

Comparison: TypeAlias = Callable[..., bool]
"""Such a function whose result is true or false."""

ValueOperation: TypeAlias = tuple[Function, object]
"""A function and its operand."""

A = TypeVar("A")
B = TypeVar("B")


class Combination(NamedTuple):
    """A number computed from two placeholders, one of which depends on the tokens of a generated tool call."""

    function: Function
    left: Computation
    right: Computation


class Computation(NamedTuple):
    """Computes the value of a placeholder: a source and the operations on its value, in order."""

    source: ValueSource
    operations: tuple[ValueOperation, ...] = ()

    def value(self, now: float, input_tokens: int, output_tokens: int) -> str | float:
        """Return the value for a time and these numbers of tokens. A placeholder of an id has no such value."""
        source = self.source
        value: str | float = (
            output_tokens if source == "output_tokens" else input_tokens if source == "input_tokens" else now
        )
        if type(source) is Combination:
            left = source.left.value(now, input_tokens, output_tokens)
            value = source.function(left, source.right.value(now, input_tokens, output_tokens))
        for function, operand in self.operations:
            value = function(value, operand)
        return value

    @property
    def uses_input_tokens(self) -> bool:
        """Whether the value may depend on the request's input tokens."""
        return self.source == "input_tokens" or type(self.source) is Combination

    @property
    def depends_on_tool_call(self) -> bool:
        """Whether the value may depend on a generated tool call."""
        return self.source == "output_tokens" or type(self.source) is Combination


class EncoderCondition(NamedTuple):
    """A comparison that an encoder made while it placed placeholders, and its result. Only responses for which it
    has the same result may use the encoded bytes."""

    computation: Computation
    compare: Comparison
    operand: object
    result: bool


class TextPlaceholder(str):
    """A text that differs in each response. Its characters are a marker that is found in the rendered bytes."""

    __slots__ = ("_computation", "_placeholders", "_sample")

    _placeholders: Placeholders
    _computation: Computation
    _sample: str
    """The value in the present response: functions are tried with it."""

    def __new__(cls, placeholders: Placeholders, computation: Computation, sample: str) -> TextPlaceholder:
        if dumps(sample) != b'"%b"' % sample.encode():
            raise TypeError("a placeholder's text must be the same in a JSON string and outside")
        placeholder = super().__new__(cls, f"{MARKER_PREFIX}t{placeholders.number_of(computation)};")
        placeholder._placeholders, placeholder._computation, placeholder._sample = (
            placeholders,
            computation,
            sample,
        )
        return placeholder

    def __getitem__(self, index: SupportsIndex | slice) -> str:
        return cast(str, self.apply(operator.getitem, index))

    def apply(self, function: Function, operand: object) -> TextPlaceholder | NumberPlaceholder:
        """Return the placeholder of `function(value, operand)`."""
        return self._placeholders.derived(self._computation, self._sample, (function, operand))


def _subtracted_from(value: float, operand: float) -> float:
    return operand - value


def _arithmetic(function: Function) -> Callable[[NumberPlaceholder, float], NumberPlaceholder]:
    return lambda placeholder, operand: placeholder._with(function, operand)


def _comparison(compare: Comparison) -> Callable[[NumberPlaceholder, object], bool]:
    return lambda placeholder, operand: placeholder._compare(compare, operand)


class NumberPlaceholder:
    """A number that differs in each response.

    Arithmetic with a plain number returns a further placeholder, or the same one where an integer 0 is added or
    subtracted. Arithmetic with another placeholder does so, too, where one of both depends on a generated tool call.
    The number of the present request decides a comparison with a plain number. The result becomes a condition for
    the use of the cached response. `bool` is a comparison with 0. `str` returns the placeholder of a text. All else
    raises TypeError.
    """

    __slots__ = ("_computation", "_placeholders", "_sample")

    def __init__(self, placeholders: Placeholders, computation: Computation, sample: float) -> None:
        self._placeholders = placeholders
        self._computation = computation
        self._sample = sample

    def apply(self, function: Function, operand: object) -> TextPlaceholder | NumberPlaceholder:
        """Return the placeholder of `function(value, operand)`."""
        return self._placeholders.derived(self._computation, self._sample, (function, operand))

    def json_value(self) -> str:
        """Return what the JSON writer writes: a marker in quotes, which the number replaces with its quotes."""
        return f"{MARKER_PREFIX}n{self._placeholders.number_of(self._computation)};"

    def __str__(self) -> str:
        return TextPlaceholder(self._placeholders, self._computation, str(self._sample))

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
            left, right = self._computation, operand._computation
            if left.depends_on_tool_call != right.depends_on_tool_call:
                combination = Computation(Combination(function, left, right))
                return NumberPlaceholder(
                    self._placeholders, combination, function(self._sample, operand._sample)
                )
            raise TypeError("of two placeholders, one must depend on a generated tool call")
        if type(operand) is int and operand == 0 and function in (operator.add, operator.sub):
            return self
        return cast(NumberPlaceholder, self.apply(function, operand))

    def _compare(self, compare: Comparison, operand: object) -> bool:
        if isinstance(operand, NumberPlaceholder):
            raise TypeError("a cached response compares no two placeholders")
        if isinstance(self._computation.source, IdPattern):
            raise TypeError("a cached response compares no part of an id")
        result = compare(self._sample, operand)
        self._placeholders.encoder_conditions.append(
            EncoderCondition(self._computation, compare, operand, result)
        )
        return result


def _apply(value: A, function: Callable[[A], B]) -> B:
    return function(value)


def map_placeholder(function: Callable[[A], B], value: A) -> B:
    """Return `function(value)`; for a placeholder, a placeholder of it. `function` is pure and never raises."""
    if isinstance(value, (TextPlaceholder, NumberPlaceholder)):
        return cast(B, value.apply(_apply, function))
    return function(value)


class Placeholders:
    """The placeholders of one rendering. Samples are the values of the present request."""

    def __init__(
        self, ids: Ids, now: float, input_tokens: int, call: GeneratedToolCall | None = None
    ) -> None:
        self.computations: list[Computation] = []
        self.encoder_conditions: list[EncoderCondition] = []
        """The comparisons that an encoder made between a placeholder and a plain value. The bytes fit a request for
        which each has the same result."""
        self.ids: Ids = PlaceholderIds(self, ids)
        self.now = cast(float, NumberPlaceholder(self, Computation("now"), now))
        self.input_tokens = cast(int, NumberPlaceholder(self, Computation("input_tokens"), input_tokens))
        self.call = None if call is None else self._marked(call)
        """The call that is rendered in place of a generated one."""

    def _marked(self, call: GeneratedToolCall) -> GeneratedToolCall:
        tokens = cast(int, NumberPlaceholder(self, Computation("output_tokens"), call.output_tokens))
        return MARKED_TOOL_CALL.in_place_of(call, tokens)

    def number_of(self, computation: Computation) -> int:
        """Return the number of a computation, which markers carry."""
        if computation not in self.computations:
            self.computations.append(computation)
        return self.computations.index(computation)

    def derived(
        self, computation: Computation, sample: object, operation: ValueOperation
    ) -> TextPlaceholder | NumberPlaceholder:
        """Return a placeholder with one operation more."""
        function, operand = operation
        derived = Computation(computation.source, (*computation.operations, operation))
        result = function(sample, operand)
        if type(result) is str:
            return TextPlaceholder(self, derived, result)
        if type(result) is int or type(result) is float:
            return NumberPlaceholder(self, derived, result)
        raise TypeError(f"no placeholder of {type(result).__name__}")


class PlaceholderIds(Ids):
    """Ids that are placeholders. They have no id seed: a value that is computed from it would be in the
    response without a placeholder."""

    __slots__ = ("_ids", "_placeholders")

    def __init__(self, placeholders: Placeholders, ids: Ids) -> None:
        self._placeholders = placeholders
        self._ids = ids

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        computation = Computation(id_pattern(prefix, length, place, alphabet))
        return TextPlaceholder(
            self._placeholders, computation, self._ids.make(prefix, length, place, alphabet)
        )


class NumberSum(NamedTuple):
    """The whole second of a response, or the input tokens of its request, plus a constant."""

    is_time: bool
    summand: int


def number_sum(computation: Computation) -> NumberSum | None:
    """Return a computation as a sum, or None if it is none."""
    source, operations = computation
    is_time = source == "now"
    if is_time and operations[:1] == ((_apply, int),):
        operations = operations[1:]
    elif source != "input_tokens":
        return None
    summand = 0
    for function, operand in operations:
        if function is not operator.add or type(operand) is not int:
            return None
        summand += operand
    return NumberSum(is_time, summand)


NUMBER_FROM_TOOL_CALL: Final = -1
"""In place of the number of a chunk: the number of chunks of the generated tool call decides it."""


class PlaceholderStep(Struct, frozen=True):
    """A step of bytes with placeholders. Every second one of `parts` is empty: a value replaces it. The
    `chunk_number` is NUMBER_FROM_TOOL_CALL where the step ends with the generated tool call: the last value is then
    the number."""

    parts: Sequence[bytes]
    select: ValueSelector
    chunk_number: int

    def filled_bytes(self, values: Sequence[bytes]) -> bytes:
        """Return the bytes with these values."""
        parts = [*self.parts]
        parts[1::2] = self.select(values)
        return b"".join(parts)

    def last_chunk(self, values: Sequence[bytes]) -> int:
        """Return the number of the step's last chunk in the response with these values."""
        return int(values[-1]) if self.chunk_number == NUMBER_FROM_TOOL_CALL else self.chunk_number


class Prerendered(Struct, frozen=True, eq=False):
    """A response that is rendered but for its placeholders. `header_value_indexes` has the names of headers that
    differ in each response, with the indexes of their values."""

    status: int
    fixed: Headers
    header_value_indexes: Sequence[tuple[str, int]]
    id_patterns: Sequence[IdPattern]
    computations: Sequence[Computation]
    """All further values, in the order of their first use: times, token counts, and texts computed from ids."""
    sums: Sequence[NumberSum] | None
    """The same values where all of them are sums; else None."""
    argument_forms: Sequence[ArgumentsForm]
    """How the response has the arguments of a generated tool call, in the order of the response's bytes."""
    encoder_conditions: Sequence[EncoderCondition]
    framing: Framing
    size: int
    """Bytes in memory, about."""
    uses_input_tokens: bool
    """Whether the response may depend on the request's input tokens."""

    def fits(self, now: float, input_tokens: int, output_tokens: int = 0) -> bool:
        """Return whether each recorded comparison has its result for this request and the tokens of its call."""
        for computation, compare, operand, result in self.encoder_conditions:
            if compare(computation.value(now, input_tokens, output_tokens), operand) is not result:
                return False
        return True

    def compute_placeholder_values(
        self, id_seed: bytes, now: float, input_tokens: int, call: GeneratedToolCall | None = None
    ) -> Sequence[bytes]:
        """Return the values of one response: those of `id_patterns` with this id seed, then those of
        `computations`. With a generated tool call, those of `argument_forms` follow."""
        values = fill_ids(self.id_patterns, id_seed)
        if self.sums is not None and call is None:  # the usual response
            second = int(now)
            for is_time, summand in self.sums:
                values.append(b"%d" % ((second if is_time else input_tokens) + summand))
            return values
        output_tokens = 0 if call is None else call.output_tokens
        for computation in self.computations:
            source, operations = computation
            value: str | float
            if source == "input_tokens":
                value = input_tokens
            elif source == "now":
                value = now
            elif type(source) is IdPattern:
                value = fill_ids((source,), id_seed)[0].decode()
            else:
                value, operations = computation.value(now, input_tokens, output_tokens), ()
            for function, operand in operations:
                # a function of one value is called without `_apply`
                value = operand(value) if function is _apply else function(value, operand)  # type: ignore[operator]
            values.append(b"%d" % value if type(value) is int else _encoded(value))
        if call is not None:
            values += [form.write(call, values) for form in self.argument_forms]
        return values

    def head(self, values: Sequence[bytes]) -> ResponseHead:
        """Return the head of the response with these values."""
        per_response = [
            (name, values[value_index].decode()) for name, value_index in self.header_value_indexes
        ]
        return ResponseHead(self.status, self.fixed, tuple(per_response))


def _encoded(value: str | float) -> bytes:
    return value.encode() if type(value) is str else dumps(value)
