"""Requests for media, as JSON or as a form with files.

A form's fields are read as the JSON of the same request. Repeated names and names that end with `[]` are lists;
numbers and booleans have their JSON types. A file is an object with its name, its media type, its size and a hash.
So two forms with the same content are equal, whatever their boundaries are. Source: `openai._qs` and `extract_files`
of the SDK, which write `image[]` and `timestamp_granularities[]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from math import isfinite
from typing import ClassVar, Final, Literal

from propcache.api import cached_property

from mockllm.core.json.codec import Json, opening_brackets
from mockllm.core.json.typed_values import text_of
from mockllm.core.media.audio import wav_seconds
from mockllm.core.request.form_fields import FormFile, multipart_parts
from mockllm.core.request.messages import MediaPart, Message, MessagePart, TextPart
from mockllm.dialects.openai.request_fields import ModelRequest

MAX_EXACT: Final = 2**53
"""Up to here a float has the exact value of an integer. JSON cannot have much larger integers."""
FORM: Final = "multipart/form-data"
BOOLEANS: Final = {"true": True, "false": False}
TEXT_FIELDS: Final = ("prompt", "input")
"""The fields whose text is the user's message."""


class MediaRequest(ModelRequest):
    """A request for media."""

    makes_media = True
    numbers: ClassVar[frozenset[str]] = frozenset()
    """The fields of a form that are numbers."""
    booleans: ClassVar[frozenset[str]] = frozenset({"stream"})
    """The fields of a form that are true or false."""
    input_kind: ClassVar[Literal["image", "audio"]] = "image"
    """The kind of the files."""

    @cached_property
    def is_form(self) -> bool:
        return self.headers.get("content-type", "").lstrip().lower().startswith(FORM)

    def parse_body(self) -> None:
        if self.is_form:
            body, depth_bound = self._form_body(), opening_brackets(self.raw)
            vars(self).update(body=body, fields=body, depth_bound=depth_bound, _parts=None)
        else:
            super().parse_body()

    def _form_body(self) -> dict[str, Json]:
        body: dict[str, Json] = {}
        for name, value in self._form_values():
            listed = name.endswith("[]")
            name = name.removesuffix("[]")
            before = body.get(name)
            if listed or before is not None:
                body[name] = [
                    *(before if type(before) is list else [] if before is None else [before]),
                    value,
                ]
            else:
                body[name] = value
        return body

    def _form_values(self) -> Iterator[tuple[str, Json]]:
        """Yield the fields of the form in order, each with its JSON."""
        for part in multipart_parts(self.headers.get("content-type", ""), self.raw):
            name, file = part.field, part.filename
            if name is None:
                continue
            if file is None:
                text = part.content.decode("utf-8", "replace")
                yield name, self._value(name.removesuffix("[]"), text)
            else:
                digest = sha256(part.content).hexdigest()
                described = {"filename": file, "content_type": part.media_type, "bytes": len(part.content)}
                yield name, {**described, "sha256": digest}

    def _value(self, name: str, text: str) -> Json:
        """Return the value of a field: a number or a boolean where the field is one and the text, too."""
        if name in self.booleans:
            return BOOLEANS.get(text, text)
        if name in self.numbers:
            try:
                number = float(text)
            except ValueError:
                return text
            if not isfinite(number):
                return text
            return (
                int(number)
                if number.is_integer() and "." not in text and abs(number) <= MAX_EXACT
                else number
            )
        return text

    @property
    def files(self) -> Sequence[FormFile]:
        """The files of the form; none of a JSON body."""
        return self.form_files if self.is_form else ()

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        texts = (text_of(self.fields.get(name)) for name in TEXT_FIELDS)
        parts: list[MessagePart] = [TextPart(text) for text in texts if text is not None]
        parts += [MediaPart(self.input_kind) for _ in self.files]
        return (Message("user", tuple(parts)),)

    @cached_property
    def audio_seconds(self) -> float | None:
        """How long an uploaded WAV file lasts; None for any other file."""
        return wav_seconds(self.files[0].content) if self.files else None
