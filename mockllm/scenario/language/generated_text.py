"""A text: as it is written, or made: so many tokens, so many sentences, the contents of a file."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag

from mockllm.core.quantities.types import quantity_error
from mockllm.core.values.types import Drawable, Templated
from mockllm.scenario.language.base import Spec


class TokensText(Spec):
    """A made text of exactly so many chunks' worth."""

    tokens: Drawable[Annotated[int, Field(ge=0, le=1_000_000)]]
    """How many tokens."""
    of: str | None = None
    """The text that is repeated; lorem ipsum where none is given."""


class SentencesText(Spec):
    """A made text of so many sentences."""

    sentences: Drawable[Annotated[int, Field(ge=0, le=10_000)]]
    """How many; `[2, 5]` is drawn."""


class FileText(Spec):
    """The contents of a file of the same folder or pack, as they are."""

    file: str
    """Its path, from the scenario file's folder."""


def _text_form(value: Any) -> str:
    if isinstance(value, dict):
        for key in ("tokens", "sentences", "file"):
            if key in value:
                return key
        return "tokens"
    if isinstance(value, Spec):
        return {TokensText: "tokens", SentencesText: "sentences"}.get(type(value), "file")
    return "text"


def _made(value: Any) -> Any:
    if isinstance(value, dict) and not {"tokens", "sentences", "file"} & value.keys():
        raise quantity_error("a text is written, or one of {tokens: …}, {sentences: …}, {file: …}")
    return value


TextWord: TypeAlias = Annotated[
    Annotated[Templated[str], Tag("text")]
    | Annotated[TokensText, Tag("tokens")]
    | Annotated[SentencesText, Tag("sentences")]
    | Annotated[FileText, Tag("file")],
    Discriminator(_text_form),
    BeforeValidator(_made),
]
