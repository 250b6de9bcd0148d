"""`embedding`: what an embeddings call answers, in numbers.

Apart from the other words of a reply, because it is one vector or several, and says in a person's words which of
its numbers is none.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from mockllm.core.quantities.types import quantity_error
from mockllm.core.reply.embeddings import LARGEST, Vector
from mockllm.core.values.types import Templated
from mockllm.scenario.validation_errors import found_text

EXPECTED: Final = "expected a list of numbers, or a list of such lists"
_VECTOR: Final = {"type": "array", "items": {"type": "number"}, "minItems": 1}


def _vectors(value: Any) -> tuple[Vector, ...]:
    """One vector is one of several."""
    if not isinstance(value, list | tuple) or not value:
        raise quantity_error(f"{EXPECTED}, found {found_text(value)}")
    if not any(isinstance(each, list | tuple) for each in value):
        return (_vector(value, ""),)
    return tuple(_vector(each, f" in vector {number}") for number, each in enumerate(value, 1))


def _vector(value: Any, where: str) -> Vector:
    if not isinstance(value, list | tuple) or not value:
        raise quantity_error(f"{EXPECTED}, found {found_text(value)}{where}")
    for each in value:
        if type(each) not in (int, float) or not -LARGEST <= each <= LARGEST:
            raise quantity_error(f"expected numbers of single precision, found {found_text(each)}{where}")
    return tuple(map(float, value))


EmbeddingWord: TypeAlias = Templated[
    Annotated[
        Any,
        BeforeValidator(_vectors),
        WithJsonSchema({"anyOf": [_VECTOR, {"type": "array", "items": _VECTOR, "minItems": 1}]}),
    ]
]
