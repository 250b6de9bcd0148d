"""The check of `metadata`, which clients attach to stored objects."""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.dialects.openai.validators import members, object_, refuse, text_of_length

MAX_METADATA: Final = 16
"""The maximum number of metadata properties of an object."""
_value: Final = text_of_length(512)


def check_metadata(value: Json) -> Failure | None:
    """Return the failure of metadata with another type, too many properties or too long values; None passes."""
    if value is None:
        return None
    error = object_(value, "metadata")
    if error is not None:
        return error
    if len(value) > MAX_METADATA:
        message = (
            f"Invalid 'metadata': too many properties. Expected an object with at most {MAX_METADATA} properties, "
            f"but got an object with {len(value)} properties instead."
        )
        return refuse(message, "metadata", "object_above_max_properties")
    return members((), dict.fromkeys(value, _value))(value, "metadata")
