"""What a model of Gemini refuses of a valid request to generate.

Sources: the provider's pages of Gemini 3.6 to 3.8, and messages and measured requests of August and September 2026 in
public projects. That Gemini 2.5 and older have no functions beside JSON is from public reports of 2024 to 2026, such
as googleapis/python-genai#867. They accept functions that may not be called (google/adk-python#5735). That they
refuse a config of function calling without functions is from public reports of 2026 (pydantic/pydantic-ai#5791). No
report has the mode `NONE`. The order of two refusals is inferred.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.text_cache import text_cache
from mockllm.dialects.gemini.generate_request import GenerateRequest, list_of
from mockllm.dialects.gemini.signature_check import missing_signature

_LEVELS: Final = frozenset({"MINIMAL", "LOW", "MEDIUM", "HIGH"})
_UNSPECIFIED: Final = frozenset({"", "0", "THINKING_LEVEL_UNSPECIFIED"})
"""Protobuf's JSON writes an enum by name or number; the number 0 is the unset value."""
_CALLING_MODES: Final = frozenset({"AUTO", "ANY", "VALIDATED"})
_BOTH: Final = "You can only set only one of thinking budget and thinking level."
_NO_LEVEL: Final = "Thinking level is not supported for this model."
_NO_SUCH_LEVEL: Final = "Thinking level {} is not supported for this model."
_NO_ZERO: Final = "Budget 0 is invalid. This model only works in thinking mode."
_NO_CANDIDATES: Final = "Multiple candidates is not enabled for this model"
_NO_PENALTY: Final = "Penalty is not enabled for this model"
_NO_JSON: Final = "Function calling with a response mime type: 'application/json' is unsupported"
_NO_FUNCTIONS: Final = "Function calling config is set without function_declarations."
_NO_MODEL_TURN: Final = "Requests ending with a model turn are not supported."


class RefusedByModel(Struct, frozen=True):
    """What a family of models refuses. `levels`: the levels of thinking; all where the models know none."""

    levels: frozenset[str] = frozenset()
    zero_budget: bool = False
    candidates: bool = False
    penalty: bool = True
    """Not by Vertex AI: a recorded request has penalties."""
    model_turn: bool = False
    unsigned_calls: bool = False
    """Calls without thought signatures; not those of models that make images (Vertex AI's page)."""
    json_beside_functions: bool = False
    """Not by Vertex AI, for which there is no report."""
    calling_without_functions: bool = False
    """Not by Vertex AI, which accepts it."""


_OLDEST: Final = RefusedByModel(penalty=False, json_beside_functions=True, calling_without_functions=True)
_TWO: Final = replace(_OLDEST, levels=_LEVELS, penalty=True)
_THREE: Final = RefusedByModel(candidates=True, unsigned_calls=True)
_LATE: Final = replace(_THREE, model_turn=True)
_NO_MINIMAL: Final = frozenset({"MINIMAL"})
_NOTHING: Final = RefusedByModel(penalty=False)
FAMILIES: Final = (
    ("gemini-2.5-pro*", replace(_TWO, zero_budget=True)),
    ("gemini-2.5-*", _TWO),
    ("gemini-[12].*", _OLDEST),
    ("gemini-3*-pro*", replace(_THREE, levels=_NO_MINIMAL, zero_budget=True)),
    ("gemini-3.[78]-flash*", replace(_LATE, levels=_NO_MINIMAL)),
    ("gemini-3.6-flash*", _LATE),
    ("gemini-3.5-flash-lite*", _LATE),
    ("gemini-4*", _LATE),
    ("gemini-3*", _THREE),
    ("*", _NOTHING),
)
"""The first glob that matches a model's name decides."""


@text_cache(256)  # clients repeat a few models
def refused_by(model: str) -> RefusedByModel:
    row = next(row for glob, row in FAMILIES if fnmatchcase(model, glob))
    return replace(row, unsigned_calls=False) if row.unsigned_calls and "-image" in model else row


def check_model(request: GenerateRequest) -> Failure | None:
    """Return the failure of a valid request that its model does not accept."""
    row = refused_by(request.model or "")
    message = None if row is _NOTHING else _problem(request, row)
    return None if message is None else Failure("bad_request", message=message)


def _problem(request: GenerateRequest, row: RefusedByModel) -> str | None:
    config = request.config
    problem = _thinking_problem(object_of(config.get("thinkingConfig")), row)
    if problem is not None:
        return problem
    if row.candidates and _number(config.get("candidateCount"), 1) != 1:
        return _NO_CANDIDATES
    penalties = (_number(config.get(name), 0) for name in ("presencePenalty", "frequencyPenalty"))
    if row.penalty and not request.vertex and any(penalties):
        return _NO_PENALTY
    if row.json_beside_functions and not request.vertex and _wants_json_beside_functions(request):
        return _NO_JSON
    if row.calling_without_functions and not request.vertex and _configures_absent_functions(request):
        return _NO_FUNCTIONS
    if row.model_turn and _ends_with_model(request.message.get("contents")):
        return _NO_MODEL_TURN
    return missing_signature(request) if row.unsigned_calls else None


def _wants_json_beside_functions(request: GenerateRequest) -> bool:
    return (
        request.config.get("responseMimeType") == "application/json"
        and request.offers_functions
        and request.tool_choice.mode != "none"
    )


def _configures_absent_functions(request: GenerateRequest) -> bool:
    config = object_of(object_of(request.message.get("toolConfig")).get("functionCallingConfig"))
    return (text_of(config.get("mode")) or "").upper() in _CALLING_MODES and not request.offers_functions


def _thinking_problem(thinking: dict[str, Json], row: RefusedByModel) -> str | None:
    level, budget = thinking.get("thinkingLevel"), thinking.get("thinkingBudget")
    name = "" if level is None else str(level).upper()
    if name in _UNSPECIFIED:
        return _NO_ZERO if row.zero_budget and _number(budget, 1) == 0 else None
    if budget is not None:
        return _BOTH
    if row.levels is _LEVELS:
        return _NO_LEVEL
    return _NO_SUCH_LEVEL.format(name) if name in row.levels else None


def _number(value: Json, default: float) -> float:
    """Return a number, which may be written as a text; the default for null."""
    return default if value is None else float(value)


def _ends_with_model(contents: Json) -> bool:
    last = object_of(list_of(contents)[-1])
    return last.get("role") == "model" and last.get("parts") != []
