"""The limits of Cohere's parameters, and their refusals.

The ranges and words are those of the documentation in the `cohere` package (7.3). `p` passes up to 1: whether the
service refuses 1 is unknown. The messages of inputs and documents are from public reports of 2023 and 2024
(cohere-python#614, RAGTune#2, langchain4j#770); other messages are plausible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import list_of
from mockllm.dialects.cohere.errors import of_another_type, refused


class NumberRange(NamedTuple):
    """The range of a number, and what is wrong with one outside of it."""

    low: float
    high: float
    problem: str
    types: tuple[type, ...] = (int,)


_DECIMAL: Final = (int, float)
SAMPLING: Final[Mapping[str, NumberRange]] = {
    "max_tokens": NumberRange(0, inf, "must be a positive integer"),
    "k": NumberRange(0, 500, "must be between 0 and 500"),
    "p": NumberRange(0, 1, "must be between 0 and 1", _DECIMAL),
    "temperature": NumberRange(0, inf, "must not be negative", _DECIMAL),
}
TOP: Final[Mapping[str, NumberRange]] = {"top_n": NumberRange(1, inf, "must be at least 1")}
MAX_STOPS: Final = 5
MAX_TEXTS: Final = 96
TOOL_CHOICES: Final = ("REQUIRED", "NONE")
INPUT_TYPES: Final = ("search_document", "search_query", "classification", "clustering", "image")
SIZES: Final[Mapping[str, tuple[int, ...]]] = {"embed-v4": (256, 512, 1024, 1536)}
"""The sizes of a model's vectors, by the beginning of its name."""


def check_numbers(body: dict[str, Json], ranges: Mapping[str, NumberRange]) -> Failure | None:
    """Return the refusal of the first number that has another type or is out of its range. Null counts as absent."""
    for name, number_range in ranges.items():
        value = body.get(name)
        if value is None:
            continue
        if type(value) not in number_range.types:
            return of_another_type(name)
        if not number_range.low <= value <= number_range.high:
            return refused(f"{name} {number_range.problem}")
    return None


def check_generation(body: dict[str, Json]) -> Failure | None:
    """Return the refusal of the settings of a chat or of a generation."""
    failure = check_numbers(body, SAMPLING)
    if failure is not None:
        return failure
    if body.get("stream") is not None and type(body["stream"]) is not bool:
        return of_another_type("stream")
    if len(list_of(body.get("stop_sequences"))) > MAX_STOPS:
        return refused(f"at most {MAX_STOPS} stop_sequences are allowed")
    return None


def check_tool_choice(body: dict[str, Json]) -> Failure | None:
    return _check_word(body.get("tool_choice"), "tool_choice", TOOL_CHOICES)


def check_embedding(body: dict[str, Json]) -> Failure | None:
    """Return the refusal of the number of texts, of their kind, or of the size of the vectors."""
    texts = list_of(body.get("texts"))
    if len(texts) > MAX_TEXTS:
        return refused(f"total number of texts must be at most {MAX_TEXTS} - received {len(texts)}")
    input_type = body.get("input_type")
    if input_type is not None and input_type not in INPUT_TYPES:
        return refused("valid input_type must be provided with the provided model")
    model = str(body.get("model"))
    sizes = next((sizes for start, sizes in SIZES.items() if model.startswith(start)), ())
    return _check_word(body.get("output_dimension"), "output_dimension", sizes)


def check_ranking(body: dict[str, Json]) -> Failure | None:
    """Return the refusal of a list without documents, or of the number of results."""
    if body["documents"] == []:
        return refused("list of documents must not be empty")
    return check_numbers(body, TOP)


def _check_word(value: Json, name: str, allowed: Sequence[str | int]) -> Failure | None:
    if value is None or not allowed or value in allowed:
        return None
    return refused(f"{name} must be one of {', '.join(map(str, allowed))}")
