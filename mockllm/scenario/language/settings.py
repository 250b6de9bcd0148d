"""How an answer is sent: `delay`, `pace`, `headers`, `stream`, `faults`, on a rule, a step or a modifier."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mockllm.core.faults import FAULTS
from mockllm.core.quantities.types import quantity_error
from mockllm.core.rendering.ttft import ReadingTime
from mockllm.core.values.types import ChunkSizeField, Drawable, Duration, Spread, Templated
from mockllm.scenario.diagnostics import meant
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.headers import Headers


class InputTimeSpec(Spec):
    """Time to first token by what the model reads."""

    base: Drawable[Duration] = 0.0
    """However little it reads."""
    per_input_token: Drawable[Duration]
    """For each token of the input."""
    cached: Drawable[Duration] | None = None
    """In its place, for those that the answer's usage says were read from the cache (`usage.cached_tokens`)."""


BY_INPUT: Final = frozenset(InputTimeSpec.model_fields)


def _first_form(value: Any) -> str:
    if isinstance(value, InputTimeSpec | ReadingTime):
        return "by input"
    return "by input" if isinstance(value, dict) and BY_INPUT & value.keys() else "a time"


def _reading(word: Any) -> Any:
    return ReadingTime(word.base, word.per_input_token, word.cached)


FirstTime: TypeAlias = Annotated[
    Annotated[Drawable[Duration], Tag("a time")]
    | Annotated[InputTimeSpec, AfterValidator(_reading), Tag("by input")],
    Discriminator(_first_form),
]
"""A time, or one that goes by the tokens of the input."""


class PaceSpec(Spec):
    """How fast an answer is said. Each key is merged on its own with the other settings that apply."""

    ttft: FirstTime | None = None
    """Time to first token: from the head to the first chunk; `{base, per_input_token, cached}` goes by the input."""
    itl: Spread[Duration] | None = None
    """Inter-token latency: between two chunks."""
    tokens_per_second: Drawable[Annotated[float, Field(gt=0)]] | None = None
    """In place of itl: a chunk takes as long as its tokens; `[40, 80]` is drawn once for each answer."""
    chunk_size: Templated[ChunkSizeField] | None = None
    """How a text is cut into chunks: `4 tokens`, `10 characters`, `2 words`, `1 sentences`."""
    jitter: Spread[Duration] | None = None
    """Adds a uniform 0…N to each gap."""
    slowdown: Drawable[Annotated[float, Field(ge=0)]] | None = None
    """Multiplies every wait; the factors of several settings multiply."""
    whole: Literal["as_streamed", "at_once"] | None = None
    """Whether a non-streamed answer takes as long as its stream would (the default) or leaves at once."""

    @model_validator(mode="after")
    def one_speed(self) -> PaceSpec:
        if self.itl is not None and self.tokens_per_second is not None:
            raise PydanticCustomError("speed", "itl and tokens_per_second are one setting; give one of them")
        return self


class _OneFault(Spec):
    @model_validator(mode="after")
    def one(self) -> _OneFault:
        if len(self.model_fields_set) != 1:
            raise PydanticCustomError("fault", "one fault for each item; begin each with a dash of its own")
        return self


def _by_name(value: Any) -> Any:
    """A bare text is a fault's name."""
    if isinstance(value, dict):
        _as_meant(value)
    if not isinstance(value, str):
        return value
    if value not in FAULTS:
        known = meant(value, FAULTS) or "; mockllm's docs/faults.md lists them all"
        raise quantity_error(f'no fault is called "{value}"{known}')
    return {value: {}}


def _as_meant(value: dict[str, Any]) -> None:
    """A mistake for a mapping whose form says what was meant."""
    for name, held in value.items():
        if name in FAULTS and held is None:
            settings = {field.alias or key for key, field in FAULTS[name].model_fields.items()}
            outside = next((key for key in value if key in settings), None)
            if outside is not None:
                raise quantity_error(f'"{outside}" is a setting of {name}: indent it further than "{name}:"')
            raise quantity_error(f'nothing stands behind "{name}:"; write {name} without the colon')
        if name == "type" and held in FAULTS:
            raise quantity_error(
                f"a fault is written by its name: {held}, or {held}: {{…}} with its settings"
            )


FaultSpec = create_model(  # type: ignore[call-overload]
    "FaultSpec",
    __base__=_OneFault,
    __doc__="One fault, with its settings; its name alone takes the defaults.",
    **{name: (fault, Field(default=None, description=fault.__doc__)) for name, fault in FAULTS.items()},
)
"""Built from the vocabulary itself, so that a new fault is a new word without a line here."""

FaultName: TypeAlias = Literal[tuple(FAULTS)]  # type: ignore[valid-type]
FaultSetting: TypeAlias = Annotated[
    FaultSpec, BeforeValidator(_by_name, json_schema_input_type=FaultName | FaultSpec)
]


class Settings(Spec):
    """What a rule, a step, a branch and a modifier may all say of how the answer is sent."""

    delay: Drawable[Duration] | None = None
    """Holds back the head of the answer; the delays of all settings add up."""
    pace: PaceSpec | None = None
    """How fast the answer is said."""
    headers: Headers | None = None
    """Response headers to set, by name."""
    stream: bool | None = None
    """Stream or do not, whatever the client asked."""
    faults: list[FaultSetting] | None = None
    """What goes wrong; all are played, in order."""
