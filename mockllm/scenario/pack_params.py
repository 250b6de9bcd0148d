"""The parameters of a pack: their types, how a value is read, and conditions on them.

Apart from packs, because a value comes from four places (option, environment, `with`, default) and each
mistake must say from which.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Struct
from pydantic import Field, JsonValue, ValidationError

from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import parse_duration, parse_probability
from mockllm.scenario.diagnostics import either, meant, nearest, scalar_text
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.conditions import JsonOperators
from mockllm.scenario.matchers import condition
from mockllm.scenario.model_walk import shape_of
from mockllm.scenario.validation_errors import found_text

Named: TypeAlias = Literal["string", "integer", "number", "boolean", "duration", "probability"]
Kind: TypeAlias = "Named | list[str | int | float | bool]"


class ParamSpec(Spec):
    """One parameter of a pack."""

    type: Named | Annotated[list[str | int | float | bool], Field(min_length=1)] = "string"
    """string, integer, number, boolean, duration, probability, or the list of allowed values."""
    default: JsonValue = None
    """Its value where nothing else gives one; null is unset."""
    env: str | list[str] | None = None
    """The environment variable that sets it (of several, the first that is not empty)."""
    description: str | None = None
    """What it does, for those who use the pack."""


_WANTED: Final[Mapping[str, str]] = {
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


def checked(kind: Kind, value: Json) -> Json:
    """The value, if it is of this kind (None is unset and fits any); ValueError says what was expected."""
    if value is None:
        return None
    if isinstance(kind, list):
        if any(value == each and type(value) is type(each) for each in kind):
            return value
        near = (
            nearest(value, [each for each in kind if isinstance(each, str)])
            if isinstance(value, str)
            else None
        )
        hint = f'; did you mean "{near}"?' if near else ""
        raise ValueError(f"expected {either(kind)}, found {found_text(value)}{hint}")
    if kind == "duration" and isinstance(value, int | float) and not isinstance(value, bool):
        parse_duration(str(value))
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        hint = (
            f'; write "{scalar_text(value)}"' if kind == "string" and isinstance(value, int | float) else ""
        )
        raise ValueError(f"expected {_WANTED[kind]}, found {found_text(value)}{hint}")
    measured(kind, value)
    return value


def from_text(kind: Kind, text: str) -> Json:
    """The value that an option or environment variable writes; an empty one is unset. ValueError as above."""
    if text == "":
        return None
    if isinstance(kind, list):
        for each in kind:
            if scalar_text(each) == text:
                return each
    elif kind == "boolean":
        return checked(kind, _BOOLEANS.get(text.lower(), text))
    elif kind in ("integer", "number"):
        return checked(kind, _number(text, kind == "integer"))
    return checked(kind, text)


def _number(text: str, whole: bool) -> Json:
    for read in (int, float):
        try:
            value = read(text.replace("_", "?"))
        except (ValueError, OverflowError):
            continue
        if abs(value) <= 2**63 and (isinstance(value, int) or not whole):
            return value
    return text


def measured(kind: Kind, value: Json) -> Json:
    """The value as it compares: seconds of a duration, 0 to 1 of a probability. ValueError if it is none."""
    if kind == "duration" and isinstance(value, str):
        return parse_duration(value)
    if kind == "probability" and isinstance(value, str | int | float):
        return parse_probability(value)
    return value


# --- conditions ----------------------------------------------------------------------------------


_COMPARED: Final[Mapping[str, Callable[[Json, Json], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_CONDITIONS: Final = ("equals", *_COMPARED, "exists")


class Params(Struct, frozen=True):
    """The parameters of a pack as they are set; `kinds` are their types."""

    values: Mapping[str, Json]
    kinds: Mapping[str, Kind]

    def enabled(self, word: Json) -> bool:
        """Whether an `enabled:` holds: true, false, or a condition for each parameter it names. ValueError,
        with a person's message, for what is neither."""
        if isinstance(word, bool):
            return word
        if not isinstance(word, dict):
            expected = "true, false or a condition on parameters such as {climate: storm}"
            raise ValueError(f"expected {expected}, found {found_text(word)}")
        held = [self._holds(name, condition) for name, condition in word.items()]  # every name is looked at
        return all(held)

    def _holds(self, name: str, condition: Json) -> bool:
        if name not in self.values:
            known = "; this file is in no pack" if not self.values else meant(name, self.values)
            raise ValueError(f'there is no parameter "{name}"{known}')
        value, kind = measured(self.kinds[name], self.values[name]), self.kinds[name]
        if isinstance(condition, list):
            return value in [self._operand(name, kind, each) for each in condition]
        if not isinstance(condition, dict):
            return bool(value == self._operand(name, kind, condition))
        own = {word: operand for word, operand in condition.items() if word in _CONDITIONS}
        rest = {word: operand for word, operand in condition.items() if word not in own}
        compared = [self._compares(name, kind, value, *each) for each in own.items()]
        return all(compared) and (not rest or _asked(rest, self.values[name]))

    def _compares(self, name: str, kind: Kind, value: Json, word: str, operand: Json) -> bool:
        if word == "exists":
            return bool(checked("boolean", operand)) is (value is not None)
        if word == "equals":
            return bool(value == self._operand(name, kind, operand))
        limit = self._operand(name, kind, operand)
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            raise ValueError(f"{word} compares numbers; found {found_text(operand)}")
        return isinstance(value, int | float) and _COMPARED[word](value, limit)

    @staticmethod
    def _operand(name: str, kind: Kind, operand: Json) -> Json:
        """What a parameter is compared with, which must be a value that it could have."""
        try:
            return measured(kind, checked(kind, operand))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None


def _asked(words: dict[str, Json], value: Json) -> bool:
    """What else the language can ask of a value: `contains`, `glob`, `regex` …"""
    others = [word for word in shape_of(JsonOperators).allowed_keys() if word not in _CONDITIONS]
    for word in words:
        if word not in others:
            raise ValueError(f'unknown condition "{word}"{meant(word, (*_CONDITIONS, *others))}')
    try:
        return condition(JsonOperators.model_validate(words)).matches(value)
    except ValidationError as error:
        raise ValueError(error.errors(include_url=False)[0]["msg"]) from None


NO_PARAMS: Final = Params({}, {})
