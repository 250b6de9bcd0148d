"""Reads JSON that may have any form: a value of the expected type, else None or an empty value. Nothing raises."""

from __future__ import annotations

from collections.abc import Iterator

from mockllm.core.json.codec import Json


def text_of(value: Json) -> str | None:
    """Return the text; None in place of anything else."""
    return value if type(value) is str else None


def count_of(value: Json) -> int | None:
    """Return an integer above 0; None for anything else, `true` included."""
    return value if type(value) is int and value > 0 else None


def object_of(value: Json) -> dict[str, Json]:
    """Return the object; an empty one in place of anything else."""
    return value if type(value) is dict else {}


def objects(value: Json) -> Iterator[dict[str, Json]]:
    """Yield the objects of a list; nothing for anything else."""
    return (entry for entry in value if type(entry) is dict) if type(value) is list else iter(())


def texts(value: Json) -> Iterator[str]:
    """Yield the texts of a list; nothing for anything else."""
    return (entry for entry in value if type(entry) is str) if type(value) is list else iter(())
