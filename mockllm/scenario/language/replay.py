"""`replay`: a recorded response, byte for byte with its recorded times, or as a reply for every protocol."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.quantities.types import quantity_error
from mockllm.core.values.types import Duration
from mockllm.scenario.language.base import Spec, short_form
from mockllm.scenario.language.settings import HeaderName, header_value
from mockllm.scenario.validation_errors import describe_value

_SPEED: Final = re.compile(r"\d{1,6}(\.\d{1,6})?x\Z")


def _timing(value: object) -> object:
    is_speed = isinstance(value, str) and _SPEED.match(value) and float(value[:-1]) > 0
    if value in ("recorded", "none") or is_speed:
        return value
    raise quantity_error(f"expected recorded, none or a speed such as 2x, found {describe_value(value)}")


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


def _content(data: str | None, base64: str | None) -> bytes:
    if base64 is not None:
        return b64decode("".join(base64.split()))
    return (data or "").encode("utf-8", "surrogatepass")


class FrameSpec(Spec):
    """Bytes that arrived at the same time."""

    at: Duration | None = None
    """The time of arrival, from when the server begins to serve the request; by default that of the frame before."""
    data: str | None = None
    """The bytes, as UTF-8."""
    base64: Annotated[str, AfterValidator(_base64)] | None = None
    """The bytes in base64, in place of data, if they are not text."""

    @model_validator(mode="after")
    def one(self) -> Self:
        if (self.data is None) == (self.base64 is None):
            raise PydanticCustomError("frame", "a frame is one of data and base64")
        return self

    @property
    def bytes(self) -> bytes:
        """The bytes that arrived."""
        return _content(self.data, self.base64)


Frame: TypeAlias = Annotated[FrameSpec, short_form("data")]


class WebSocketMessageSpec(Spec):
    """A message on a recorded WebSocket, or its end."""

    at: Duration | None = None
    """The time from the handshake; that of the message before by default."""
    from_: Literal["server", "client"] = Field("server", alias="from")
    """Who sends it."""
    data: str | None = None
    """The message as text; of an end, its reason."""
    base64: Annotated[str, AfterValidator(_base64)] | None = None
    """A binary message in base64, in place of data."""
    binary: bool = False
    """Whether the data is sent as a binary message, as Gemini's messages are."""
    close: Annotated[int, Field(ge=1000, le=4999)] | None = None
    """The code with which the sender ends the WebSocket; 1006 if its connection broke."""

    @model_validator(mode="after")
    def one(self) -> Self:
        if (self.data is None) == (self.base64 is None) and self.close is None:
            raise PydanticCustomError("message", "a message is one of data, base64 and close")
        return self

    @property
    def bytes(self) -> bytes:
        """The content of the message."""
        return _content(self.data, self.base64)

    @property
    def is_binary(self) -> bool:
        """Whether it is a binary message."""
        return self.binary or self.base64 is not None


WebSocketMessage: TypeAlias = Annotated[WebSocketMessageSpec, short_form("data")]
HeaderText: TypeAlias = Annotated[str, AfterValidator(header_value)]


class ReplaySpec(Spec):
    """A recorded response."""

    frames: list[Frame] | None = None
    """The recorded bytes, frame by frame; a bare text is the data of a frame."""
    file: str | None = None
    """A file of the same folder or pack that contains the body unchanged; in place of frames."""
    messages: list[WebSocketMessage] | None = None
    """The recorded messages of a WebSocket, of both sides in order; in place of frames, in a rule for handshakes."""
    status: Annotated[int, Field(ge=200, le=599)] = 200
    """The HTTP status."""
    headers: dict[HeaderName, HeaderText] = Field(default_factory=dict)
    """The recorded response headers, by name."""
    timing: Timing = "recorded"
    """`recorded`: each frame at its recorded time; `none`: at once, or paced by `pace`; `2x`: twice as fast."""
    as_: Literal["bytes", "reply"] = Field("bytes", alias="as")
    """`bytes`: exactly the recorded bytes; `reply`: the recorded content, in the protocol of the request."""
    gzip: bool = False
    """Compress the response for clients that accept gzip, although it was recorded uncompressed."""

    @model_validator(mode="before")
    @classmethod
    def file_alone(cls, value: object) -> object:
        """Refuse a bare text with the form to use: it may be meant as a file or as the bytes themselves."""
        if isinstance(value, str):
            name = value if re.fullmatch(r"[\w./-]{1,60}", value) else "NAME"
            raise quantity_error(f"expected a mapping, found {describe_value(value)}; write {{file: {name}}}")
        return value

    @model_validator(mode="after")
    def consistent(self) -> Self:
        if sum(form is not None for form in (self.frames, self.file, self.messages)) != 1:
            raise PydanticCustomError("replay", "a replay has one of frames, file and messages")
        if self.messages is not None and self.as_ != "bytes":
            raise PydanticCustomError("replay", "messages of a WebSocket cannot be replayed as a reply")
        last, what = 0.0, "frame" if self.messages is None else "message"
        timed: Sequence[FrameSpec | WebSocketMessageSpec] = self.frames or self.messages or ()
        for number, frame in enumerate(timed, 1):
            if frame.at is not None and frame.at < last:
                earlier = f"{what} {number} is earlier than the {what} before it"
                raise quantity_error(f"{earlier}; write {what}s in order of time")
            last = last if frame.at is None else frame.at
        return self

    @property
    def speed(self) -> float | None:
        """The speed relative to the recording; None means at once."""
        if self.timing == "none":
            return None
        return 1.0 if self.timing == "recorded" else float(self.timing[:-1])
