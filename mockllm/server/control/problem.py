"""What is wrong with a call of the control API, as problem+json (RFC 9457) that names the fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from mockllm.core.display import brief
from mockllm.scenario.diagnostics import Diagnostic, path_text
from mockllm.scenario.model_walk import shape_of


class FieldProblem(BaseModel):
    """One thing that is wrong. `line` and `column` where the body is a text with lines."""

    model_config = ConfigDict(defer_build=True)

    field: str
    message: str
    line: int | None = None
    column: int | None = None


class ProblemBody(BaseModel):
    """What every refusal looks like."""

    model_config = ConfigDict(defer_build=True)  # a start does not wait for what few will see

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list)


class Problem(Exception):
    """A call that is refused."""

    def __init__(self, status: int, detail: str, errors: Sequence[FieldProblem] = ()) -> None:
        super().__init__(detail)
        self.allowed: tuple[str, ...] = ()
        """The methods that there are, where another is wanted."""
        self.status = status
        self.body = ProblemBody(
            title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors)
        )


def of_mistakes(mistakes: Iterable[Diagnostic]) -> Problem:
    """The refusal of words of the scenario language."""
    errors = [
        FieldProblem(
            field=each.path, message=each.message, line=each.line or None, column=each.column or None
        )
        for each in mistakes
    ]
    first = errors[0]
    return Problem(422, f"{first.field}: {first.message}" if first.field else first.message, errors)


def of_validation(error: ValidationError, model: type[BaseModel]) -> Problem:
    """The refusal of a body or of a query that does not fit its model."""
    errors = [
        FieldProblem(field=path_text(each["loc"]), message=_said(each, model))
        for each in error.errors(include_url=False)
    ]
    first = errors[0]
    return Problem(422, f"{first.field}: {first.message}" if first.field else first.message, errors)


def not_for(method: str, path: str, allowed: Sequence[str]) -> Problem:
    """A path that is asked by another method."""
    problem = Problem(405, f"{method} is not for {brief(path)}; there is {', '.join(allowed)}.")
    problem.allowed = tuple(allowed)
    return problem


EXPECTED: Final = {
    "model_type": "an object",
    "dict_type": "an object",
    "list_type": "a list",
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "literal_error": "{expected}",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "too_short": "{min_length} or more of them",
    "string_too_short": "{min_length} or more characters",
    "string_too_long": "{max_length} characters at most",
    "string_pattern_mismatch": "a text of the form {pattern}",
}
"""What was expected, by the type of pydantic's error."""


def _said(each: ErrorDetails, model: type[BaseModel]) -> str:
    """An error in our own words."""
    if each["type"] == "extra_forbidden":
        shape = shape_of(model)
        for step in each["loc"][:-1]:
            shape = shape.step(step)
        there = ", ".join(shape.allowed_keys())
        return f"is not known here; there is {there}" if there else "is not known here; this call takes none"
    expected = EXPECTED.get(each["type"])
    if expected is None:
        return each["msg"]
    return f"expected {expected.format(**each.get('ctx', {}))}, found {brief(each['input'])}"
