"""`replay`: an answer as it was recorded, byte for byte and at its own times, or what it says for every protocol."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.quantities.types import quantity_error
from mockllm.core.values.types import Duration
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.headers import HeaderName, line_of_text
from mockllm.scenario.validation_errors import found_text

_SPEED: Final = re.compile(r"\d{1,6}(\.\d{1,6})?x\Z")


def _timing(value: Any) -> Any:
    if value in ("recorded", "none") or (
        isinstance(value, str) and _SPEED.match(value) and float(value[:-1]) > 0
    ):
        return value
    raise quantity_error(f"expected recorded, none or a speed such as 2x, found {found_text(value)}")


Timing: TypeAlias = Annotated[
    str,
    BeforeValidator(_timing),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": ["recorded", "none"]},
                {"type": "string", "pattern": r"^\d{1,6}(\.\d{1,6})?x$", "examples": ["2x"]},
            ]
        }
    ),
]


def _base64(value: str) -> str:
    try:
        b64decode("".join(value.split()), validate=True)
    except Base64Error:
        raise quantity_error("this is not base64") from None
    return value


class FrameSpec(Spec):
    """Bytes that came at once."""

    at: Duration | None = None
    """When they came, from the request's last byte; with the frame before where nothing is said."""
    data: str | None = None
    """The bytes, as UTF-8."""
    base64: Annotated[str, AfterValidator(_base64)] | None = None
    """In place of data, for bytes that are no text."""

    @model_validator(mode="after")
    def one(self) -> FrameSpec:
        if (self.data is None) == (self.base64 is None):
            raise PydanticCustomError("frame", "a frame is one of data and base64")
        return self

    @property
    def bytes(self) -> bytes:
        """What came."""
        if self.base64 is not None:
            return b64decode("".join(self.base64.split()))
        return (self.data or "").encode("utf-8", "surrogatepass")


def _frame(value: Any) -> Any:
    """A bare text is its data."""
    return {"data": value} if isinstance(value, str) else value


Frame: TypeAlias = Annotated[FrameSpec, BeforeValidator(_frame, json_schema_input_type=str | FrameSpec)]
HeaderText: TypeAlias = Annotated[str, AfterValidator(line_of_text)]


class ReplaySpec(Spec):
    """A recorded answer."""

    frames: list[Frame] | None = None
    """What came, frame by frame; a bare text is its data."""
    file: str | None = None
    """In place of frames: a file of the same folder or pack that holds the body, as it is."""
    status: Annotated[int, Field(ge=200, le=599)] = 200
    """The HTTP status."""
    headers: dict[HeaderName, HeaderText] = Field(default_factory=dict)
    """Response headers, by name, as they were."""
    timing: Timing = "recorded"
    """`recorded`: each frame at its own time; `none`: at once, or as `pace` has it; `2x`: twice as fast."""
    as_: Literal["bytes", "reply"] = Field("bytes", alias="as")
    """`bytes`: exactly what was recorded; `reply`: what it says, for whatever protocol the request speaks."""
    gzip: bool = False
    """Packed for clients that ask for it, though it was recorded plain."""

    @model_validator(mode="after")
    def consistent(self) -> ReplaySpec:
        if (self.frames is None) == (self.file is None):
            raise PydanticCustomError("replay", "a replay has one of frames and file")
        last = 0.0
        for number, frame in enumerate(self.frames or (), 1):
            if frame.at is not None and frame.at < last:
                raise quantity_error(
                    f"frame {number} comes before the one in front of it; frames stand in order"
                )
            last = last if frame.at is None else frame.at
        return self

    @property
    def speed(self) -> float | None:
        """How many times as fast as recorded; None for at once."""
        return (
            {"recorded": 1.0, "none": None}[self.timing]
            if self.timing[-1] != "x"
            else float(self.timing[:-1])
        )
