"""The check of `metadata`, which clients attach to requests and stored objects.

Public sources of 2026 measured the refusals of properties, names and values (local-OAuth-CLI-API-adapter, a public
repository of kangminlee-maker).
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.dialects.openai.validators import Check, refuse, text_of_length, wrong_type

MAX_METADATA: Final = 16
"""The maximum number of metadata properties of an object."""
MAX_NAME: Final = 64
"""The maximum length of the name of a property."""
MAX_VALUE: Final = 512
"""The maximum length of the value of a property."""
_value: Final = text_of_length(MAX_VALUE)


def check_metadata(value: Json, path: str = "metadata") -> Failure | None:
    """Return the failure of metadata with another type, too many properties, or too long names or values; null
    passes."""
    if type(value) is dict and len(value) <= MAX_METADATA:
        for name, member in value.items():  # without a call for each text: load tests send metadata
            if len(name) > MAX_NAME or type(member) is not str or len(member) > MAX_VALUE:
                break
        else:
            return None
    return check_properties(value, path, "a metadata object", _value)


def check_properties(value: Json, path: str, kind: str, check_value: Check) -> Failure | None:
    """Return the failure of an object with another type, too many properties, or too long names. A value that fails
    its check is a failure, too; null passes. `kind` is the object in the message."""
    if value is None:
        return None
    if type(value) is not dict:
        return wrong_type(value, path, kind)
    if len(value) > MAX_METADATA:
        message = (
            f"Invalid '{path}': too many properties. Expected an object with at most {MAX_METADATA} properties, "
            f"but got an object with {len(value)} properties instead."
        )
        return refuse(message, path, "object_above_max_properties")
    for name, member in value.items():
        error = _long_name(name, path) or (None if member is None else check_value(member, f"{path}.{name}"))
        if error is not None:
            return error
    return None


def _long_name(name: str, path: str) -> Failure | None:
    if len(name) <= MAX_NAME:
        return None
    message = (
        f"Invalid property name in '{path}': '{name[:3]}...{name[-3:]}' is too long. "
        f"Expected a string with maximum length {MAX_NAME}, but got a string with length {len(name)} instead."
    )
    return refuse(message, f"{path}.{name}", "property_name_above_max_length")
