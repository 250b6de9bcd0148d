"""Values in which a template is a mistake, because they are sent as they are written."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import BeforeValidator, ValidationInfo

from mockllm.core.quantities.types import quantity_error
from mockllm.core.templates.template import SubstitutedText, is_template

T = TypeVar("T")
NO_TEMPLATE: Final = (
    "a template is not allowed here: this value is a constant; with literal: true it is plain text"
)


def _without_templates(value: object, info: ValidationInfo) -> object:
    if not (info.context or {}).get("literal") and _has_template(value):
        raise quantity_error(NO_TEMPLATE)
    return value


def _has_template(value: object) -> bool:
    """Return whether a text, or any text in JSON, is a template; the value of a parameter is none."""
    if isinstance(value, dict):
        return any(map(_has_template, value.values()))
    if isinstance(value, list):
        return any(map(_has_template, value))
    written = value.template if isinstance(value, SubstitutedText) else value
    return isinstance(written, str) and is_template(written)


Constant: TypeAlias = Annotated[T, BeforeValidator(_without_templates)]
"""`Constant[str]`: a text that is no template."""
