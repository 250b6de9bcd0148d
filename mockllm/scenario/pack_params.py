"""The parameters of a pack: their types, how a value is read, and conditions on them."""

import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Struct
from pydantic import Field, JsonValue, ValidationError

from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import parse_duration, parse_probability
from mockllm.scenario.diagnostics import nearest, quoted_choice, scalar_text, suggestion
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.conditions import JsonOperators
from mockllm.scenario.match_compiler import condition
from mockllm.scenario.model_walk import shape_of
from mockllm.scenario.validation_errors import describe_value

TypeName: TypeAlias = Literal["string", "integer", "number", "boolean", "duration", "probability"]
ParamType: TypeAlias = "TypeName | list[str | int | float | bool]"


class ParamSpec(Spec):
    """One parameter of a pack."""

    type: TypeName | Annotated[list[str | int | float | bool], Field(min_length=1)] = "string"
    """string, integer, number, boolean, duration, probability, or the list of allowed values."""
    default: JsonValue = None
    """The value if nothing else sets one; null means unset."""
    env: str | list[str] | None = None
    """The environment variable that sets it (of several, the first that is not empty)."""
    description: str | None = None
    """The effect of the parameter, for users of the pack."""


_EXPECTED: Final[Mapping[str, str]] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "duration": 'a duration such as "300ms"',
    "probability": "a probability such as 5% or 0.05",
}
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "duration": (str,),
    "probability": (str, int, float),
}
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def check_value(kind: ParamType, value: Json) -> Json:
    """Return the value if it has this type (None means unset and fits any). Raise ValueError with the
    expected type."""
    if value is None:
        return None
    if isinstance(kind, list):
        if any(value == allowed and type(value) is type(allowed) for allowed in kind):
            return value
        texts = [allowed for allowed in kind if isinstance(allowed, str)]
        near = nearest(value, texts) if isinstance(value, str) else None
        hint = f'; did you mean "{near}"?' if near else ""
        raise ValueError(f"expected {quoted_choice(kind)}, found {describe_value(value)}{hint}")
    if kind == "duration" and isinstance(value, int | float) and not isinstance(value, bool):
        parse_duration(str(value))
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        unquoted = kind == "string" and isinstance(value, int | float)
        hint = f'; write "{scalar_text(value)}"' if unquoted else ""
        raise ValueError(f"expected {_EXPECTED[kind]}, found {describe_value(value)}{hint}")
    comparable_value(kind, value)
    return value


def parse_value(kind: ParamType, text: str) -> Json:
    """Return the value of an option or environment variable; an empty text means unset. Raise ValueError as
    `check_value`."""
    if text == "":
        return None
    if isinstance(kind, list):
        for allowed in kind:
            if scalar_text(allowed) == text:
                return allowed
    elif kind == "boolean":
        return check_value(kind, _BOOLEANS.get(text.lower(), text))
    elif kind in ("integer", "number"):
        return check_value(kind, _number(text, kind == "integer"))
    return check_value(kind, text)


def _number(text: str, whole: bool) -> Json:
    for read in (int, float):
        try:
            value = read(text.replace("_", "?"))
        except (ValueError, OverflowError):
            continue
        if abs(value) <= 2**63 and (isinstance(value, int) or not whole):
            return value
    return text


def comparable_value(kind: ParamType, value: Json) -> Json:
    """Return the value for comparisons: seconds of a duration, 0 to 1 of a probability. Raise ValueError if
    it is neither."""
    if kind == "duration" and isinstance(value, str):
        return parse_duration(value)
    if kind == "probability" and isinstance(value, str | int | float):
        return parse_probability(value)
    return value


_COMPARED: Final[Mapping[str, Callable[[Json, Json], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_CONDITIONS: Final = ("equals", *_COMPARED, "exists")


class Params(Struct, frozen=True):
    """The parameters of a pack with their values; `kinds` are their types."""

    values: Mapping[str, Json]
    kinds: Mapping[str, ParamType]

    def enabled(self, setting: Json) -> bool:
        """Return whether an `enabled:` is met: true, false, or a condition for each parameter that it names.
        Raise ValueError, with a message for users, for anything else."""
        if isinstance(setting, bool):
            return setting
        if not isinstance(setting, dict):
            expected = "true, false or a condition on parameters such as {climate: storm}"
            raise ValueError(f"expected {expected}, found {describe_value(setting)}")
        # A list, so that every name is checked.
        results = [self._meets(name, condition) for name, condition in setting.items()]
        return all(results)

    def _meets(self, name: str, condition: Json) -> bool:
        if name not in self.values:
            known = "; this file is in no pack" if not self.values else suggestion(name, self.values)
            raise ValueError(f'there is no parameter "{name}"{known}')
        value, kind = comparable_value(self.kinds[name], self.values[name]), self.kinds[name]
        if isinstance(condition, list):
            return value in [self._operand(name, kind, item) for item in condition]
        if not isinstance(condition, dict):
            return bool(value == self._operand(name, kind, condition))
        own = {key: operand for key, operand in condition.items() if key in _CONDITIONS}
        rest = {key: operand for key, operand in condition.items() if key not in own}
        compared = [self._compares(name, kind, value, *item) for item in own.items()]
        return all(compared) and (not rest or _meets_operators(rest, self.values[name]))

    def _compares(self, name: str, kind: ParamType, value: Json, operator_name: str, operand: Json) -> bool:
        if operator_name == "exists":
            return bool(check_value("boolean", operand)) is (value is not None)
        if operator_name == "equals":
            return bool(value == self._operand(name, kind, operand))
        limit = self._operand(name, kind, operand)
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            raise ValueError(f"{operator_name} compares numbers; found {describe_value(operand)}")
        return isinstance(value, int | float) and _COMPARED[operator_name](value, limit)

    @staticmethod
    def _operand(name: str, kind: ParamType, operand: Json) -> Json:
        """Return the value that a parameter is compared with, which must be a possible value of the parameter."""
        try:
            return comparable_value(kind, check_value(kind, operand))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None


def _meets_operators(operators: dict[str, Json], value: Json) -> bool:
    """Return whether a value meets further operators of the language: `contains`, `glob`, `regex` …"""
    others = [name for name in shape_of(JsonOperators).allowed_keys() if name not in _CONDITIONS]
    for name in operators:
        if name not in others:
            raise ValueError(f'unknown condition "{name}"{suggestion(name, (*_CONDITIONS, *others))}')
    try:
        return condition(JsonOperators.model_validate(operators)).matches(value)
    except ValidationError as error:
        raise ValueError(error.errors(include_url=False)[0]["msg"]) from None


NO_PARAMS: Final = Params({}, {})
