"""The base class of all mappings in scenario files: unknown keys are errors, and types are never coerced."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from mockllm.core.values.null_fields import without_null


class StrictModel(BaseModel):
    """A mapping. A model is built when it is first used."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
    null_fields: ClassVar[Collection[str]] = ()
    """The optional fields for which null is a value. For all others it is a mistake."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return without_null(source, handler, cls.null_fields)
