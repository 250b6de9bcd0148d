"""`embedding`: the numbers with which an embeddings call responds.

Separate from the rest of a reply, because the value is one vector or several, and the error messages name the
vector with a wrong number.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from mockllm.core.quantities.types import quantity_error
from mockllm.core.reply.embeddings import LARGEST, Vector
from mockllm.core.values.types import Templated
from mockllm.scenario.validation_errors import describe_value

EXPECTED: Final = "expected a list of numbers, or a list of such lists"
_VECTOR: Final = {"type": "array", "items": {"type": "number"}, "minItems": 1}


def _vectors(value: Any) -> tuple[Vector, ...]:
    """Return a list of vectors; one vector becomes a list of one."""
    if not isinstance(value, list | tuple) or not value:
        raise quantity_error(f"{EXPECTED}, found {describe_value(value)}")
    if not any(isinstance(item, list | tuple) for item in value):
        return (_vector(value, ""),)
    return tuple(_vector(item, f" in vector {number}") for number, item in enumerate(value, 1))


def _vector(value: Any, where: str) -> Vector:
    if not isinstance(value, list | tuple) or not value:
        raise quantity_error(f"{EXPECTED}, found {describe_value(value)}{where}")
    for item in value:
        if type(item) not in (int, float) or not -LARGEST <= item <= LARGEST:
            raise quantity_error(f"expected numbers of single precision, found {describe_value(item)}{where}")
    return tuple(map(float, value))


EmbeddingField: TypeAlias = Templated[
    Annotated[
        Any,
        BeforeValidator(_vectors),
        WithJsonSchema({"anyOf": [_VECTOR, {"type": "array", "items": _VECTOR, "minItems": 1}]}),
    ]
]
